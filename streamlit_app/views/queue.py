"""Work queue: the alerts of the service as they are raised, taken and resolved here."""

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from streamlit.elements.lib.column_types import ColumnConfig

from risk_platform.decisions.figures import group, money
from risk_platform.errors import RiskPlatformError
from streamlit_app.alert_panel import STATES, panel
from streamlit_app.assignment import whose
from streamlit_app.desk_session import READS_ALERTS, DeskSession, signed_in, told
from streamlit_app.layout import card, compact_money, empty, head, local
from streamlit_app.theme import LEVEL_COLOURS

FRESH = "5s"
ROWS = 100
ROW_HIGH, MOST_HIGH = 35, 422
SHOWN = {"Open": "open", "In work": "acknowledged", "Resolved": "resolved"}
# Of whom the service is asked, and how it is told that there is none.
OWNERS = {
    "All": (None, "No alert"),
    "Mine": ("me", "No alert of yours"),
    "Nobody's": ("none", "No alert without an owner"),
}
COLUMNS: dict[str, ColumnConfig | str | None] = {
    "raised_time": st.column_config.DatetimeColumn("Raised", format="DD MMM, HH:mm:ss"),
    "level": "Level",
    "score": st.column_config.ProgressColumn("Score", format="%.3f", min_value=0, max_value=1),
    "amount_minor": "Amount",
    "expected_loss": "Expected loss",
    "channel": "Channel",
    "customer_id": "Customer",
    "unresolved_of_customer": st.column_config.NumberColumn(
        "Of customer", help="Alerts of the customer that wait."
    ),
    "assigned_to": st.column_config.TextColumn("Assigned", width="medium"),
    "transaction_id": "Payment",
}


def figures(session: DeskSession, currency: str, alerts: list[dict[str, Any]]) -> None:
    """How much waits, is in work and was found, of the last 30 days."""
    stats = session.client.get("alerts/stats")
    states, verdicts, owned = stats["states"], stats["verdicts"], stats["assignees"]
    found = verdicts.get("true_positive", 0)
    judged = found + verdicts.get("false_positive", 0)
    cards = st.columns(4)
    nobodys = sum(each["open"] for each in owned if each["assigned_to"] is None)
    card(cards[0], "Open", group(states.get("open", 0), currency), f"{group(nobodys, currency)} nobody's")
    yours = sum(
        each["open"] + each["acknowledged"] for each in owned if each["assigned_to"] == session.user_id
    )
    tip = "Acknowledged. Below: all that are yours, whether you acknowledged them or not."
    in_work = group(states.get("acknowledged", 0), currency)
    card(cards[1], "In work", in_work, f"{group(yours, currency)} yours", tip)
    at_stake = sum(alert["expected_loss"] for alert in alerts)
    card(cards[2], "Expected loss shown", compact_money(at_stake, currency))
    tip = "Resolved as fraud, of all resolved in 30 days."
    card(cards[3], "Found to be fraud", f"{found} of {judged}" if judged else "–", tip=tip)


def table(session: DeskSession, alerts: list[dict[str, Any]], currency: str) -> Styler:
    """The alerts as shown: local times, money in words, the level in its colour."""
    rows = pd.DataFrame(alerts)
    shown = rows.assign(
        raised_time=local(pd.to_datetime(rows["raised_time"], utc=True, format="ISO8601")),
        assigned_to=[whose(session, alert) for alert in alerts],
    )[list(COLUMNS)]
    for name in ("amount_minor", "expected_loss"):
        shown[name] = ["–" if pd.isna(minor) else money(round(minor), currency) for minor in shown[name]]
    return shown.style.map(lambda level: f"color: {LEVEL_COLOURS[level]}; font-weight: 600", subset=["level"])


@st.fragment(run_every=FRESH)
def queue(session: DeskSession, state: str, owner: str) -> None:
    """The alerts in that state of that owner, what is at stake first, anew every few seconds."""
    assignee, none = OWNERS[owner]
    try:
        alerts = session.client.get("alerts", state=state, assignee=assignee, limit=ROWS)["items"]
        currency = next((alert["currency"] for alert in alerts if alert["currency"]), "INR")
        figures(session, currency, alerts)
    except RiskPlatformError as error:
        told(error)
        return
    if not alerts:
        empty(f"{none} is {STATES[state][0].lower()}.", "New ones appear here by themselves.")
        return
    chosen = st.dataframe(
        table(session, alerts, currency),
        hide_index=True,
        column_config=COLUMNS,
        on_select="rerun",
        selection_mode="single-row",
        height=min(MOST_HIGH, ROW_HIGH * (len(alerts) + 1) + 2),
        key=f"queue_{st.session_state.get('queue_round', 0)}",
    )
    if rows := chosen.selection.rows:
        keep_choice(alerts[rows[0]])


def keep_choice(alert: dict[str, Any]) -> None:
    """Go on with the alert that was chosen: the order changes while somebody reads, so not with its place."""
    st.session_state["alert"] = alert
    st.session_state["queue_round"] = st.session_state.get("queue_round", 0) + 1
    st.rerun()


def asked() -> tuple[str, str]:
    """Which state and whose alerts the reader chose."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        state = st.segmented_control(
            "State", list(SHOWN), default="Open", required=True, key="state", label_visibility="collapsed"
        )
        owner = st.segmented_control(
            "Whose", list(OWNERS), default="All", required=True, key="owner", label_visibility="collapsed"
        )
    return SHOWN[str(state)], str(owner)


def work(session: DeskSession) -> None:
    """The alert that was chosen, and the queue."""
    state, owner = asked()
    if alert := st.session_state.get("alert"):
        changed = panel(session, alert)
        if changed is not None:
            st.session_state["alert"] = changed
            now = STATES[changed["state"]][0].lower()
            st.toast(f"Alert {changed['alert_id']} is {now} now, assigned to {whose(session, changed)}.")
            st.rerun()
    queue(session, state, owner)


head("Work queue", "Alerts as they are raised, what is at stake first. Select a row to work on it.")
if session := signed_in():
    if session.may(READS_ALERTS):
        work(session)
    else:
        st.info(f"As {session.role} you may not see alerts.", icon=":material/lock:")
