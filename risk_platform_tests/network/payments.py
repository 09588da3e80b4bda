"""Payments and judgements for the tests of the network, written as short rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from risk_platform.lake.tables import JUDGEMENTS, TRANSACTIONS

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LAST_DAY = (NOON + timedelta(days=30)).date()
_ORDINARY = {
    "source": "shop",
    "partition": 0,
    "kind": "transfer",
    "status": "completed",
    "currency": "INR",
    "channel": "UPI",
    "broken_rules": [],
}


def payments(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """`transactions` rows: each names its payer, `hour` after NOON and amount, and what else it touches."""
    numbered = [_payment(number, row) for number, row in enumerate(rows)]
    return pa.Table.from_pylist(numbered, schema=TRANSACTIONS.schema)


def _payment(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    moment = NOON + timedelta(hours=row["hour"])
    given = {name: value for name, value in row.items() if name != "hour"}
    times = {"event_time": moment, "event_date": moment.date(), "known_time": moment}
    return _ORDINARY | {"transaction_id": str(number)} | times | given


def judgements(rows: Sequence[tuple[int, int, bool]]) -> pa.Table:
    """`judgements` rows: number of the payment, hour after NOON it was reported at, whether it is fraud."""
    numbered = [_judgement(position, *row) for position, row in enumerate(rows)]
    return pa.Table.from_pylist(numbered, schema=JUDGEMENTS.schema)


def _judgement(position: int, payment: int, hour: int, is_fraud: bool) -> dict[str, Any]:
    return {
        "judgement_id": f"j{position}",
        "source": "shop",
        "transaction_id": str(payment),
        "is_fraud": is_fraud,
        "known_time": NOON + timedelta(hours=hour),
        "judged_by": "analyst",
    }
