"""Pieces of a page that every page uses: its head, its empty state, a period, times and money in words."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from risk_platform.decisions.figures import age, money
from risk_platform.settings import load_settings
from streamlit_app.values import Period

PERIODS: dict[str, int | None] = {"7 days": 7, "30 days": 30, "90 days": 90, "All": None}


def head(title: str, sentence: str) -> None:
    """Title of the page and one sentence that says what it answers."""
    st.title(title, anchor=False)
    st.caption(sentence)


def empty(what: str, how: str) -> None:
    """Tell that there is nothing yet and what to run."""
    st.info(f"{what} {how}", icon=":material/inbox:")


def no_payments() -> None:
    """The empty state of a lake without payments."""
    empty(
        "No payments in the lake yet.",
        "Run `risk-platform demo` for simulated ones; for yours `risk-platform ingest FILE --mapping NAME`; "
        "then materialize the assets in Dagster.",
    )


def no_decisions() -> None:
    """The empty state of a lake without decisions."""
    empty(
        "No decisions yet.",
        "They are made once a model is champion: materialize `champion` and `decisions` in Dagster, or run "
        "`risk-platform demo`.",
    )


def chosen_period(whole: Period, default: str) -> Period:
    """The period that the reader chose, counted back from the last day with payments."""
    choice = st.segmented_control(
        "Period", list(PERIODS), default=default, required=True, key="period", label_visibility="collapsed"
    )
    return whole.last_days(PERIODS[str(choice)])


def day_range(period: Period) -> str:
    """The period in words."""
    return f"{period.first:%d %b %Y} to {period.last:%d %b %Y}"


def local(times: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """Times of RISK_TIMEZONE, without their zone, as charts and tables show them."""
    return times.dt.tz_convert(load_settings().timezone).dt.tz_localize(None)


def card(
    place: DeltaGenerator, label: str, value: str, detail: str | None = None, tip: str | None = None
) -> None:
    """One key figure in a frame, with a grey line of detail below it."""
    place.metric(
        label,
        value,
        delta=detail,
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=tip,
    )


def moment(time: datetime | None, form: str = "%d %b %Y, %H:%M") -> str:
    """A time in RISK_TIMEZONE in words, a dash when there is none."""
    if time is None or pd.isna(time):
        return "–"
    return time.astimezone(load_settings().zone).strftime(form)


def ago(time: datetime | None) -> str | None:
    """How long ago it was."""
    if time is None or pd.isna(time):
        return None
    return f"{age(max((datetime.now(UTC) - time).total_seconds(), 0))} ago"


def compact_money(minor: float, currency: str) -> str:
    """A large amount in three digits: ₹1.24 Cr, ₹3.2 L, €4.5 M."""
    steps = ((1e7, "Cr"), (1e5, "L")) if currency == "INR" else ((1e9, "B"), (1e6, "M"), (1e3, "K"))
    for size, unit in steps:
        if abs(minor) >= size * 100:
            return f"{money(minor / size, currency)} {unit}"
    return money(minor, currency)
