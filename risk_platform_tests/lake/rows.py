"""Small rows of registered tables for the tests of the lake."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS, PAYMENT_FEATURES, RAW_TRANSACTIONS


def judgements(*identifiers: str) -> pa.Table:
    """One judgement per identifier."""
    rows = [
        {
            "judgement_id": identifier,
            "source": "shop",
            "transaction_id": identifier,
            "is_fraud": True,
            "known_time": datetime(2026, 1, 2, tzinfo=UTC),
            "judged_by": "analyst",
            "confidence": None,
        }
        for identifier in identifiers
    ]
    return pa.Table.from_pylist(rows, schema=JUDGEMENTS.schema)


def quality(rows_per_day: dict[int, int]) -> pa.Table:
    """So many quality rows for each day of January 2026."""
    rows = [
        {
            "event_date": date(2026, 1, day),
            "expectation": f"rule {number}",
            "success": True,
            "observed": "nothing",
            "row_count": 1,
            "unexpected_count": 0,
        }
        for day, count in rows_per_day.items()
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=DATA_QUALITY.schema)


def features(day: int, **values: float) -> pa.Table:
    """One row of features on that day of January 2026."""
    moment = datetime(2026, 1, day, tzinfo=UTC)
    row = {
        "source": "shop",
        "transaction_id": str(day),
        "event_time": moment,
        "event_date": moment.date(),
        "known_time": moment,
    }
    schema = pa.schema([*PAYMENT_FEATURES.schema, *(pa.field(name, pa.float64()) for name in values)])
    return pa.Table.from_pylist([row | values], schema=schema)


def raw_payments(rows: Sequence[tuple[str, int]]) -> pa.Table:
    """One raw payment for each transaction_id and day of January 2026."""
    payments = [_raw_payment(line, key, day) for line, (key, day) in enumerate(rows, start=1)]
    return pa.Table.from_pylist(payments, schema=RAW_TRANSACTIONS.schema)


def _raw_payment(line: int, key: str, day: int) -> dict[str, Any]:
    moment = datetime(2026, 1, day, tzinfo=UTC)
    return {
        "source": "shop",
        "transaction_id": key,
        "partition": 0,
        "event_time": moment,
        "event_date": moment.date(),
        "known_time": moment,
        "kind": "purchase",
        "status": "completed",
        "customer_id": "c",
        "amount_minor": 100,
        "currency": "INR",
        "channel": "UPI",
        "file_id": "f",
        "source_line": line,
    }
