"""One alert of the queue: what is known of it, and what somebody signed in does about it."""

from datetime import datetime

import streamlit as st

from risk_platform.api.client import ApiRefusedError
from risk_platform.decisions.figures import money, share
from risk_platform.errors import RiskPlatformError
from streamlit_app.assignment import Alert, acted, assignment, whose
from streamlit_app.desk_session import EXPLAINS, WORKS_ALERTS, DeskSession, told
from streamlit_app.layout import moment
from streamlit_app.theme import LEVEL_BADGES, BadgeColour

STATES: dict[str, tuple[str, BadgeColour | str]] = {
    "open": ("Open", "red"),
    "acknowledged": ("In work", "blue"),
    "resolved": ("Resolved", "green"),
}
VERDICTS = {True: "Fraud", False: "Genuine"}
_CURRENCY = "INR"
_REASONS = 4
_PAGE = 200


def panel(session: DeskSession, alert: Alert) -> Alert | None:
    """The alert and its actions; returns it as it is after an action, None when nothing was done."""
    with st.container(border=True):
        _heading(alert)
        left, right = st.columns([3, 2], gap="large")
        with left:
            _facts(alert)
            _reasons(session, alert)
            st.page_link(
                "views/payment.py",
                label="Open the payment",
                icon=":material/arrow_forward:",
                query_params={"source": alert["source"], "transaction_id": alert["transaction_id"]},
            )
        with right:
            return _actions(session, alert)


def live_alert(session: DeskSession, customer_id: str, source: str, transaction_id: str) -> Alert | None:
    """The service's alert on a payment of that customer; None when it raised none."""
    cursor = None
    while True:
        page = session.client.get("alerts", customer_id=customer_id, limit=_PAGE, cursor=cursor)
        for alert in page["items"]:
            if (alert["source"], alert["transaction_id"]) == (source, transaction_id):
                found: Alert = alert
                return found
        cursor = page["next_cursor"]
        if cursor is None:
            return None


def _heading(alert: Alert) -> None:
    label, colour = STATES[alert["state"]]
    with st.container(horizontal=True, vertical_alignment="center"):
        amount = money(alert["amount_minor"] or 0, alert["currency"] or _CURRENCY)
        st.header(amount, anchor=False, width="content")
        st.badge(alert["level"], color=LEVEL_BADGES[alert["level"]])
        st.badge(label, color=colour)  # type: ignore[arg-type]
        st.badge(f"Advice: {alert['advice'].replace('_', ' ')}", color="gray", icon=":material/gavel:")


def _facts(alert: Alert) -> None:
    raised = moment(datetime.fromisoformat(alert["raised_time"]), "%d %b %Y, %H:%M:%S")
    chance = "rules alone" if alert["probability"] is None else f"{share(alert['probability'])} probable"
    loss = money(round(alert["expected_loss"]), alert["currency"] or _CURRENCY)
    others = (alert["unresolved_of_customer"] or 1) - 1
    more = f" · {others} more of this customer" if others > 0 else ""
    st.caption(
        f"{raised} · {alert['channel'] or '–'} · {alert['customer_id'] or 'customer hidden'}{more}  \n"
        f"Payment `{alert['source']}:{alert['transaction_id']}`  \n"
        f"Score {alert['score']:.3f} · {chance} · expected loss {loss}"
    )


def _reasons(session: DeskSession, alert: Alert) -> None:
    if not session.may(EXPLAINS):
        return
    name = f"{alert['source']}:{alert['transaction_id']}"
    try:
        told_reasons = session.client.post("explain/risk", {"transaction_id": name})["reasons"]
    except ApiRefusedError:
        # A payment of history was not decided by the engine; its own page tells why it was flagged.
        st.caption("The payment's own page tells why it was flagged.")
        return
    except RiskPlatformError as error:
        told(error)
        return
    raising = [reason for reason in told_reasons if reason["attribution"] > 0 or not reason["feature"]]
    for reason in raising[:_REASONS]:
        st.markdown(f"- {reason['sentence']}")


def _actions(session: DeskSession, alert: Alert) -> Alert | None:
    if alert["state"] == "resolved":
        verdict = VERDICTS[alert["is_fraud"]]
        st.success(f"Resolved as {verdict.lower()} by {whose(session, alert)}.", icon=":material/task_alt:")
        if alert["note"]:
            st.markdown(f"> {alert['note']}")
        return None
    st.caption(f"Assigned to **{whose(session, alert)}**")
    if not session.may(WORKS_ALERTS):
        st.info(f"As {session.role} you may look at alerts, not work on them.", icon=":material/visibility:")
        return None
    worked_on = _work(session, alert)
    return assignment(session, alert) or worked_on


def _work(session: DeskSession, alert: Alert) -> Alert | None:
    if alert["assigned_to"] not in (None, session.user_id):
        return _pressed(session, alert, "Take over", take_over=True)
    if alert["state"] == "open":
        return _pressed(session, alert, "Acknowledge", take_over=False)
    return _resolution(session, alert)


def _pressed(session: DeskSession, alert: Alert, label: str, *, take_over: bool) -> Alert | None:
    st.caption("It becomes yours; then it can be resolved.")
    if st.button(label, type="primary", width="stretch", key=f"take_{alert['alert_id']}"):
        return acted(session, alert, "acknowledge", {"take_over": take_over})
    return None


def _resolution(session: DeskSession, alert: Alert) -> Alert | None:
    number = alert["alert_id"]
    with st.form(f"resolve_{number}", border=False):
        verdict = st.segmented_control(
            "What it is", [True, False], format_func=VERDICTS.__getitem__, key=f"verdict_{number}"
        )
        note = st.text_area("Note", max_chars=2000, key=f"note_{number}", placeholder="What you found out")
        if not st.form_submit_button("Resolve", type="primary", width="stretch"):
            return None
    if verdict is None:
        st.error("Say whether it is fraud or genuine.", icon=":material/error:")
        return None
    return acted(session, alert, "resolve", {"is_fraud": verdict, "note": note.strip() or None})
