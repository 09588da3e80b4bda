"""Alerts: the payments an analyst should look at, riskiest first."""

from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from risk_platform.decisions.figures import group, money, share
from risk_platform.decisions.levels import LEVELS, Thresholds
from risk_platform.errors import RiskPlatformError
from risk_platform.settings import load_settings
from streamlit_app import data
from streamlit_app.alert_panel import live_alert
from streamlit_app.desk_session import present, told
from streamlit_app.layout import (
    card,
    chosen_period,
    compact_money,
    empty,
    head,
    local,
    no_decisions,
    no_payments,
)
from streamlit_app.theme import LEVEL_COLOURS
from streamlit_app.told import Teller, reasons_of
from streamlit_app.values import AlertFilter, PaymentKey, Period

JUDGED = {"open": "Not judged yet", "fraud": "Confirmed fraud", "genuine": "Found genuine"}
COLUMNS: dict[str, ColumnConfig | str | None] = {
    "event_time": st.column_config.DatetimeColumn("Time", format="DD MMM, HH:mm"),
    "score": st.column_config.ProgressColumn("Score", format="%.3f", min_value=0, max_value=1),
    "level": "Level",
    "amount_minor": "Amount",
    "channel": "Channel",
    "reasons": st.column_config.TextColumn("Why", width="large"),
    "judged": "Judged",
    "customer_id": "Customer",
    "counterparty_id": "Payee",
    "city": "City",
    "transaction_id": "Payment",
}


def alerting_levels() -> list[str]:
    """Levels that an alert can have, given where the alert threshold lies."""
    thresholds = Thresholds.from_settings(load_settings())
    [lowest] = thresholds.ranks(np.array([thresholds.alert]))
    return [level.value for level in LEVELS[lowest:]]


def asked(whole: Period) -> AlertFilter:
    """What the reader chose in the row of filters."""
    period = chosen_period(whole, "30 days")
    row = st.columns([2.2, 2, 1.6, 2], vertical_alignment="bottom")
    levels = row[0].pills("Level", alerting_levels(), selection_mode="multi", key="levels")
    channels = row[1].multiselect("Channel", data.channel_names(), placeholder="All channels", key="channels")
    judged = row[2].selectbox(
        "Judged", list(JUDGED), index=None, placeholder="Any", format_func=JUDGED.__getitem__, key="judged"
    )
    search = row[3].text_input("Search", placeholder="Payment, customer or payee", key="search")
    return AlertFilter(period, tuple(levels or ()), tuple(channels), judged, search)


def summary(wanted: AlertFilter, currency: str) -> int:
    """The key figures of the alerts wanted; returns their number."""
    found = data.alert_summary(wanted).iloc[0]
    alerts, judged, frauds = (int(found[name]) for name in ("alerts", "judged", "frauds"))
    cards = st.columns(4)
    card(cards[0], "Alerts", group(alerts, currency))
    card(cards[1], "Amount at risk", compact_money(float(found["amount_minor"]), currency))
    card(cards[2], "Judged", group(judged, currency))
    tip = "Share of the judged alerts that were found to be fraud; fresh alerts wait for their judgement."
    card(cards[3], "Of these fraud", share(frauds / judged) if judged else "–", tip=tip)
    return alerts


def table(alerts: pd.DataFrame, currency: str) -> Styler:
    """The alerts as shown: local times, money in words, the level in its colour."""
    teller = Teller(currency)
    shown = alerts.assign(
        event_time=local(alerts["event_time"]),
        reasons=[teller.strongest(alert) for _, alert in alerts.iterrows()],
        judged=alerts["judged"].map(JUDGED),
    )[list(COLUMNS)]
    return shown.style.format({"amount_minor": lambda minor: money(cast(int, minor), currency)}).map(
        lambda level: f"color: {LEVEL_COLOURS[level]}; font-weight: 600", subset=["level"]
    )


def _work(alert: pd.Series) -> None:
    """The way to work on the alert, for somebody who is signed in to the service."""
    session = present()
    if session is None:
        st.page_link("views/queue.py", label="Sign in to work on alerts", icon=":material/login:")
        return
    if not st.button("Work on this alert", icon=":material/assignment_ind:", key="work"):
        return
    try:
        found = live_alert(session, alert["customer_id"], alert["source"], alert["transaction_id"])
    except RiskPlatformError as error:
        told(error)
        return
    if found is None:
        st.info("Nobody was asked to look at it: it is no alert of the service.", icon=":material/info:")
        return
    st.session_state["alert"] = found
    st.switch_page("views/queue.py")


def preview(alert: pd.Series, currency: str) -> None:
    """The chosen alert with its reasons in words and the way to its page."""
    key = PaymentKey(alert["source"], alert["transaction_id"])
    with st.container(border=True):
        st.markdown(
            f"**{money(alert['amount_minor'], currency)}** · {alert['channel']} · `{key.transaction_id}`"
        )
        decision = data.decision(key, alert["event_date"].date())
        for reason in reasons_of(decision, currency)[:3] if decision else []:
            st.markdown(f"- {reason.sentence}")
        _work(alert)
        st.page_link(
            "views/payment.py",
            label="Open this payment",
            icon=":material/arrow_forward:",
            query_params={"source": key.source, "transaction_id": key.transaction_id},
        )


head("Alerts", "Payments whose score reached the alert threshold, riskiest first. Select a row to see why.")
whole = data.span()
if whole is None:
    no_payments()
elif data.moments().decided_time is None:
    no_decisions()
else:
    currency = data.currency()
    wanted = asked(whole)
    count = summary(wanted, currency)
    alerts = data.alerts(wanted)
    if alerts.empty:
        empty("No alert matches.", "Widen the period or clear a filter.")
    else:
        if count > len(alerts):
            st.caption(f"The {len(alerts)} riskiest of {group(count, currency)}.")
        chosen = st.dataframe(
            table(alerts, currency),
            hide_index=True,
            column_config=COLUMNS,
            on_select="rerun",
            selection_mode="single-row",
            height=460,
            key="alerts",
        )
        if rows := chosen.selection.rows:
            preview(alerts.iloc[rows[0]], currency)
