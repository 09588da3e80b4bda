"""A batch of nobody's payments, gone through before the first caller's."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from risk_platform.audit.commitments import new_salts
from risk_platform.decisions.rules.columns import Features
from risk_platform.intake.events import Columns, live_fields, micros
from risk_platform.intake.policy import Policy
from risk_platform.intake.prepared import Preparer
from risk_platform.intake.refusals import Refusals
from risk_platform.intake.stamping import stamped
from risk_platform.operations.evidence import leaf_of
from risk_platform.operations.records import Run

_PAYMENTS = 100
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def rehearse(policy: Policy, features: Sequence[str], timezone: str) -> bytes:
    """Check, decide and attest payments that nobody made; returns their audit leaf, which is kept nowhere.

    What works on many payments at once is compiled then, which a caller would have to wait for.
    """
    prepared = Preparer().check("payment", _payments(), Refusals(_PAYMENTS), _MOMENT)
    decisions = policy.engine.decide(
        stamped(prepared.table, 1, 1, timezone),
        Features(tuple(features), np.zeros((_PAYMENTS, len(features)))),
        decided_time=_MOMENT,
        decided_by="engine",
        features_version=-1,
    )
    run = Run(1, 1, timezone, prepared.events, prepared.hashes, decisions)
    return leaf_of(run, new_salts(_PAYMENTS))


def _payments() -> Columns:
    columns: Columns = {field.name: [field.default] * _PAYMENTS for field in live_fields("payments")}
    given = {
        "source": "rehearsal",
        "event_time": micros(_MOMENT),
        "customer_id": "nobody",
        "channel": "UPI",
        "amount_minor": 1,
    }
    numbers = [str(number) for number in range(_PAYMENTS)]
    return (
        columns | {name: [value] * _PAYMENTS for name, value in given.items()} | {"transaction_id": numbers}
    )
