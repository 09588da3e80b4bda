"""Whose an alert is, and giving it to somebody else."""

from typing import Any

import streamlit as st

from risk_platform.errors import RiskPlatformError
from streamlit_app.desk_session import DeskSession, told

Alert = dict[str, Any]
_PAGE = 500
_NOBODY = ""


def whose(session: DeskSession, alert: Alert) -> str:
    """Who has the alert, in a word."""
    if alert["assigned_to"] is None:
        return "nobody"
    if alert["assigned_to"] == session.user_id:
        return "you"
    return str(alert["assignee_email"] or f"user {alert['assigned_to'][:8]}")


def acted(session: DeskSession, alert: Alert, action: str, body: dict[str, Any]) -> Alert | None:
    """The alert as it is after the action; None when the service refused it, which is told."""
    try:
        changed: Alert = session.client.post(f"alerts/{alert['alert_id']}/{action}", body)
    except RiskPlatformError as error:
        told(error)
        return None
    return changed | {"unresolved_of_customer": alert["unresolved_of_customer"]}


def assignment(session: DeskSession, alert: Alert) -> Alert | None:
    """A choice of whose the alert shall be; returns it as it is then, None when nothing was done."""
    owner: str = alert["assigned_to"] or _NOBODY
    try:
        names = {_NOBODY: "Nobody"} | _colleagues(session)
    except RiskPlatformError as error:
        told(error)
        return None
    # Who may not work on alerts any more still has theirs.
    names.setdefault(owner, whose(session, alert))
    # A choice left standing from before is not one about who has the alert now.
    key = f"{alert['alert_id']}_{owner}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Assign to", list(names), list(names).index(owner), names.__getitem__, key=f"assignee_{key}"
        )
        pressed = st.button("Assign", key=f"assign_{key}", disabled=chosen == owner)
    return acted(session, alert, "assign", {"assignee": chosen or None}) if pressed else None


def _colleagues(session: DeskSession) -> dict[str, str]:
    """Address of everybody who may be asked to work on an alert, by user_id; oneself is "You"."""
    people: dict[str, str] = {}
    cursor = None
    while True:
        page = session.client.get("alerts/assignees", limit=_PAGE, cursor=cursor)
        people |= {each["user_id"]: each["email"] for each in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return people | {session.user_id: "You"}
