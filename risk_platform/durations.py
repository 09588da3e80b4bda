"""Durations as people write them in settings, mappings and feature names: 90s, 15m, 1h, 7d."""

import re
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_PATTERN = re.compile(r"(\d+)([smhd])")


def parse_duration(text: str) -> timedelta:
    """The duration that `text` names, such as ``7d``.

    Raises ValueError when it is not a whole number followed by s, m, h or d.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration; write a whole number and a unit, such as 90s, 15m, 1h or 7d"
        )
    return int(match[1]) * _UNITS[match[2]]


def format_duration(duration: timedelta) -> str:
    """The shortest exact writing of `duration`, the inverse of `parse_duration`."""
    for unit in ("d", "h", "m"):
        if duration % _UNITS[unit] == timedelta(0):
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration // _UNITS['s']}s"
