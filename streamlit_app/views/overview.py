"""Overview: how many payments, how many alerts, how good and how fresh the data is."""

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from risk_platform.decisions.figures import group, money, share
from risk_platform.settings import load_settings
from streamlit_app import charts, data
from streamlit_app.layout import (
    ago,
    card,
    chosen_period,
    compact_money,
    day_range,
    head,
    moment,
    no_decisions,
    no_payments,
)
from streamlit_app.theme import MUTED
from streamlit_app.values import Period

BROKEN: dict[str, ColumnConfig | str | None] = {
    "expectation": "Expectation",
    "event_date": st.column_config.DateColumn("Latest batch", format="DD MMM YYYY"),
    "observed": st.column_config.TextColumn("Observed", width="large"),
    "unexpected_count": st.column_config.NumberColumn("Rows that break it", format="localized"),
    "row_count": st.column_config.NumberColumn("Rows of the batch", format="localized"),
}


def indicators(days: pd.DataFrame, currency: str) -> None:
    """The row of key figures."""
    payments, decided, alerts = (int(days[name].sum()) for name in ("payments", "decided", "alerts"))
    intake, latest = data.intake().iloc[0], data.moments().event_time
    cards = st.columns(5)
    card(
        cards[0],
        "Payments",
        group(payments, currency),
        f"{group(round(payments / len(days)), currency)} a day",
    )
    volume = float(days["amount_minor"].sum())
    card(
        cards[1],
        "Volume",
        compact_money(volume, currency),
        f"{money(volume / payments, currency)} on average",
    )
    rate = share(alerts / decided) if decided else "–"
    card(cards[2], "Alert rate", rate, f"{group(alerts, currency)} of {group(decided, currency)} decided")
    refused = share(intake["quarantined"] / intake["read"]) if intake["read"] else "no"
    card(cards[3], "Quarantined", group(int(intake["quarantined"]), currency), f"{refused} of rows read")
    card(cards[4], "Latest payment", moment(latest, "%d %b, %H:%M"), ago(latest))


def daily_charts(days: pd.DataFrame, currency: str) -> None:
    """Two charts side by side: payments per day, and the share of them that raised an alert."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Payments per day", anchor=False)
        volumes = [money(minor, currency) for minor in days["amount_minor"]]
        st.altair_chart(charts.daily_payments(days.assign(shown_amount=volumes)))
    with right:
        st.subheader(
            "Alert rate per day", anchor=False, help="Alerts per decided payment; dashed: the alert budget."
        )
        if days["decided"].any():
            st.altair_chart(charts.daily_alert_rate(days, load_settings().alert_budget))
        else:
            no_decisions()


def by_level(period: Period) -> None:
    """Decisions of each level."""
    st.subheader("Decisions by level", anchor=False)
    levels = data.levels(period)
    if levels.empty:
        no_decisions()
    else:
        st.altair_chart(charts.level_bars(levels))


def quarantine() -> None:
    """Refused rows by reason."""
    st.subheader("Quarantine by reason", anchor=False)
    refused = data.quarantine()
    if refused.empty:
        st.success("No row was refused so far.", icon=":material/check_circle:")
    else:
        st.altair_chart(charts.ranked_bars(refused, "rule", "rows", "Rows refused", colour=MUTED))


def by_channel(period: Period, currency: str) -> None:
    """Payments, volume and reported frauds of each channel."""
    st.subheader("By channel", anchor=False)
    channels = data.channels(period)
    table = pd.DataFrame(
        {
            "Channel": channels["channel"],
            "Payments": [group(count, currency) for count in channels["payments"]],
            "Volume": [compact_money(minor, currency) for minor in channels["amount_minor"]],
            "Reported frauds": [group(count, currency) for count in channels["frauds"]],
            "Fraud rate": [share(rate) for rate in channels["frauds"] / channels["payments"]],
        }
    )
    st.dataframe(table, hide_index=True, height="content")


def quality() -> None:
    """The contract's latest results."""
    results = data.quality()
    st.subheader("Data quality", anchor=False)
    if results.empty:
        st.info("No batch was validated yet; materialize `transactions` in Dagster.", icon=":material/inbox:")
        return
    broken = results[~results["success"]]
    if broken.empty:
        st.success(
            f"All {len(results)} expectations hold on their latest batch.", icon=":material/check_circle:"
        )
    else:
        st.warning(f"{len(broken)} of {len(results)} expectations do not hold.", icon=":material/warning:")
        st.dataframe(broken[list(BROKEN)], hide_index=True, column_config=BROKEN)


whole = data.span()
head("Overview", "Payments, alerts, data quality and freshness at a glance.")
if whole is None:
    no_payments()
else:
    period = chosen_period(whole, "30 days")
    st.caption(day_range(period))
    days = data.daily(period)
    currency = data.currency()
    indicators(days, currency)
    daily_charts(days, currency)
    left, right = st.columns(2, gap="large")
    with left:
        by_level(period)
        by_channel(period, currency)
    with right:
        quarantine()
        quality()
