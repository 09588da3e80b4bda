"""One payment: what it was, what was decided and why, and what its customer did before and after."""

import pandas as pd
import streamlit as st

from risk_platform.decisions.figures import money, share
from risk_platform.decisions.reasons import Reason
from streamlit_app import charts, data
from streamlit_app.layout import card, empty, head, local, moment, no_payments
from streamlit_app.payment_details import details
from streamlit_app.theme import LEVEL_BADGES
from streamlit_app.told import reasons_of
from streamlit_app.values import Decision, PaymentKey

ADVICE = {"allow": "Allow", "step_up": "Step up", "hold": "Hold", "block": "Block"}


def looked_up() -> PaymentKey | None:
    """The payment that the address names or the reader searched for."""
    text = st.text_input("Find a payment", placeholder="Payment, customer or payee identifier", key="find")
    if not text.strip():
        asked = st.query_params
        named = "source" in asked and "transaction_id" in asked
        return PaymentKey(asked["source"], asked["transaction_id"]) if named else None
    found = data.find_payments(text)
    if found.empty:
        empty("No payment, customer or payee has this identifier.", "Identifiers are compared as a whole.")
        return None
    keys = [PaymentKey(*pair) for pair in zip(found["source"], found["transaction_id"], strict=True)]
    if len(keys) == 1:
        return keys[0]
    times = found["event_time"].map(moment)
    labels = [
        " · ".join(parts) for parts in zip(found["transaction_id"], times, found["channel"], strict=True)
    ]
    at = st.selectbox(
        "Payments found, latest first", range(len(keys)), format_func=labels.__getitem__, key="found"
    )
    return keys[at]


def heading(payment: pd.Series, decision: Decision | None, judged: pd.DataFrame, currency: str) -> None:
    """The payment in one line, with its decision and what was found later."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(money(payment["amount_minor"], currency), anchor=False, width="content")
        if decision is not None:
            st.badge(decision.level, color=LEVEL_BADGES[decision.level])
            st.badge(f"Advice: {ADVICE[decision.advice]}", color="gray", icon=":material/gavel:")
        if not judged.empty:
            fraud = bool(judged.at[0, "is_fraud"])
            st.badge("Reported as fraud" if fraud else "Found genuine", color="red" if fraud else "green")
    payee = payment["counterparty_id"] or "unknown payee"
    st.caption(f"{moment(payment['event_time'])} · {payment['channel']} · {payment['customer_id']} → {payee}")


def figures(decision: Decision) -> None:
    """Score, probability and how it was decided."""
    cards = st.columns(4)
    card(cards[0], "Score", f"{decision.score:.3f}")
    card(
        cards[1], "Probability of fraud", "–" if decision.probability is None else share(decision.probability)
    )
    card(cards[2], "Decided", moment(pd.Timestamp(decision.decided_time)))
    card(cards[3], "Model version", decision.model_version or "–")


def reasons(decision: Decision, told: list[Reason]) -> None:
    """The reasons in words beside the waterfall from the average payment to this one."""
    if not told:
        st.info("Reasons are kept for whatever is not LOW.", icon=":material/info:")
        return
    if decision.degraded_reason is not None:
        st.warning(f"Decided by rules alone: {decision.degraded_reason}.", icon=":material/power_off:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.subheader("Why it was flagged", anchor=False)
        for reason in [reason for reason in told if reason.attribution > 0 or not reason.feature][:5]:
            with st.container(border=True):
                st.markdown(f"**{reason.sentence}**")
                moved = f"{reason.attribution:+.2f} log odds" if reason.feature else "rule"
                st.caption(f"{reason.title} · `{reason.code}` · {moved}")
        against = [reason for reason in reversed(told) if reason.attribution < -0.05][:2]
        if against:
            st.caption("What speaks against it: " + " ".join(reason.sentence for reason in against))
    if decision.attributions is None or decision.margin is None:
        return
    with right:
        st.subheader("From the average payment to this one", anchor=False)
        moves = [reason for reason in told if reason.feature]
        st.altair_chart(charts.waterfall(decision.attributions[-1], moves, decision.margin))


def history(payment: pd.Series, currency: str) -> None:
    """The customer's payments around this one."""
    st.subheader("The customer's payments around it", anchor=False)
    near = data.around(payment["customer_id"], payment["event_date"].date())
    near = near.assign(
        local_time=local(near["event_time"]),
        amount=near["amount_minor"] / 100,
        shown_amount=[money(minor, currency) for minor in near["amount_minor"]],
        this=(near["transaction_id"] == payment["transaction_id"]) & (near["source"] == payment["source"]),
    )
    st.altair_chart(charts.timeline(near, currency))


def show(key: PaymentKey) -> None:
    """The page of one payment."""
    payment = data.payment(key)
    if payment is None:
        empty(f"The lake has no payment {key.transaction_id} of {key.source}.", "Search for another above.")
        return
    decision, judged, currency = (
        data.decision(key, payment["event_date"].date()),
        data.judgements(key),
        payment["currency"],
    )
    heading(payment, decision, judged, currency)
    if decision is not None:
        figures(decision)
        reasons(decision, reasons_of(decision, currency))
    history(payment, currency)
    details(payment, decision, judged)


head("Payment", "What it was, what was decided and why.")
if data.span() is None:
    no_payments()
elif key := looked_up():
    show(key)
else:
    st.caption("Open one from the alerts, or search for an identifier.")
