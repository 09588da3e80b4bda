"""Colours and Altair settings that every page shares."""

from typing import Literal

import altair as alt

from risk_platform.decisions.levels import LEVELS, Level

BadgeColour = Literal["green", "yellow", "orange", "red"]

LEVEL_COLOURS: dict[str, str] = {
    Level.LOW: "#2C8A66",
    Level.MEDIUM: "#C99A16",
    Level.HIGH: "#D9661F",
    Level.CRITICAL: "#B3261E",
}
LEVEL_BADGES: dict[str, BadgeColour] = {
    Level.LOW: "green",
    Level.MEDIUM: "yellow",
    Level.HIGH: "orange",
    Level.CRITICAL: "red",
}
PRIMARY = "#24508F"
MUTED = "#9AA7B8"
RAISES = "#B3261E"
LOWERS = "#2C8A66"


def level_scale() -> alt.Scale:
    """The scale that gives every level its colour, in every chart."""
    return alt.Scale(
        domain=[level.value for level in LEVELS], range=[LEVEL_COLOURS[level] for level in LEVELS]
    )
