"""Overview: how many payments, how many alerts, how good and how fresh the data is."""

import pandas as pd
import streamlit as st

from risk_platform.decisions.figures import group, share
from streamlit_app import charts, data
from streamlit_app.data import Period
from streamlit_app.layout import (
    ago,
    chosen_period,
    compact_money,
    day_range,
    head,
    moment,
    no_decisions,
    no_payments,
)
from streamlit_app.theme import MUTED


def indicators(days: pd.DataFrame, currency: str) -> None:
    """The row of key figures."""
    payments, decided, alerts = (int(days[name].sum()) for name in ("payments", "decided", "alerts"))
    intake, moments = data.intake().iloc[0], data.moments().iloc[0]
    cards = st.columns(5)
    cards[0].metric(
        "Payments",
        group(payments, currency),
        border=True,
        chart_data=days["payments"].tolist(),
        chart_type="area",
    )
    cards[1].metric(
        "Volume",
        compact_money(float(days["amount_minor"].sum()), currency),
        border=True,
        chart_data=(days["amount_minor"] / 100).tolist(),
        chart_type="area",
    )
    cards[2].metric(
        "Alert rate",
        share(alerts / decided) if decided else "–",
        border=True,
        chart_data=days["alerts"].tolist(),
        chart_type="area",
        help=f"{group(alerts, currency)} alerts of {group(decided, currency)} decided payments",
    )
    cards[3].metric(
        "Quarantined",
        group(int(intake["quarantined"]), currency),
        delta=f"{share(intake['quarantined'] / intake['read'])} of rows read" if intake["read"] else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
    )
    cards[4].metric(
        "Latest payment",
        moment(moments["event_time"]),
        delta=ago(moments["event_time"]),
        delta_color="off",
        delta_arrow="off",
        border=True,
    )


def decisions_and_quarantine(period: Period) -> None:
    """Two charts side by side: decisions by level, refused rows by reason."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Decisions by level", anchor=False)
        levels = data.levels(period)
        if levels.empty:
            no_decisions()
        else:
            st.altair_chart(charts.level_bars(levels))
    with right:
        st.subheader("Quarantine by reason", anchor=False)
        refused = data.quarantine()
        if refused.empty:
            st.success("No row was refused so far.", icon=":material/check_circle:")
        else:
            st.altair_chart(charts.ranked_bars(refused, "rule", "rows", "Rows refused", MUTED))


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
        st.dataframe(broken, hide_index=True)


whole = data.span()
head("Overview", "Payments, alerts, data quality and freshness at a glance.")
if whole is None:
    no_payments()
else:
    period = chosen_period(whole, "30 days")
    st.caption(day_range(period))
    days = data.daily(period)
    indicators(days, data.currency())
    st.subheader("Payments and alert rate per day", anchor=False)
    st.altair_chart(charts.daily_payments(days))
    decisions_and_quarantine(period)
    quality()
