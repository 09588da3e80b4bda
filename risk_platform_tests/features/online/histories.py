"""Hypothesis strategies of small histories: edges of windows, ties, late arrivals, gaps, verdicts that change."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from risk_platform_tests.features.events import Judgement, Payment
from risk_platform_tests.features.online.feeding import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Steps between payments that meet the edges of every window, and a gap in which everything ages out.
STEPS = [timedelta(0), timedelta(minutes=30), HOUR, 5 * HOUR, DAY, 7 * DAY, 8 * DAY, 40 * DAY]
NUDGES = [timedelta(0), timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)]
LAGS = [timedelta(0), timedelta(0), timedelta(seconds=-30), timedelta(minutes=30), 20 * HOUR]
DELAYS = [timedelta(0), HOUR, 3 * DAY, 7 * DAY, 8 * DAY, 29 * DAY, 31 * DAY]

_payment: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from("ab"),
        "amount_minor": st.sampled_from([1, 100, 250_000, 2**40 + 1]),
        "counterparty_id": st.sampled_from(["m", "a", "b", None]),
        "counterparty_type": st.sampled_from(["merchant", "person", None]),
        "device_id": st.sampled_from(["x", "y", "z", None]),
        "latitude": st.sampled_from([None, 12.5, 28.25]),
        "kind": st.sampled_from(["purchase", "purchase", "cash"]),
    }
)
_verdict = st.tuples(st.sampled_from(DELAYS), st.sampled_from([True, True, False]))


@st.composite
def payments(draw: st.DrawFn, longest: int = 24) -> list[Payment]:
    """Payments whose identifiers say nothing of their order."""
    fields = draw(st.lists(_payment, min_size=2, max_size=longest))
    names = draw(st.permutations(range(len(fields))))
    moment, out = NOON, []
    for name, field in zip(names, fields, strict=True):
        moment += draw(st.sampled_from(STEPS))
        at = moment + draw(st.sampled_from(NUDGES))
        out.append(Payment(f"p{name:02}", at, at + draw(st.sampled_from(LAGS)), **field))
    return out


@st.composite
def histories(draw: st.DrawFn, longest: int = 24) -> tuple[list[Payment], list[Judgement]]:
    """Payments, and verdicts on some of them, several of one instant included."""
    paid = draw(payments(longest))
    judged = []
    for payment in paid:
        for number, (delay, is_fraud) in enumerate(draw(st.lists(_verdict, max_size=2))):
            known = payment.event_time + delay
            judged.append(
                Judgement(f"j{number}-{payment.transaction_id}", payment.transaction_id, is_fraud, known)
            )
    return paid, judged
