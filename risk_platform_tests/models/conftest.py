"""A small lake whose features are made by hand, so that every model test knows what is there to be found."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from risk_platform.lake.lake import Lake
from risk_platform.lake.table import TIMESTAMP
from risk_platform.lake.tables import JUDGEMENTS, PAYMENT_FEATURES, RAW_TRANSACTIONS

FIRST_DAY = date(2026, 1, 1)
DAYS = 60
A_DAY = 120
LABEL_DELAY = timedelta(days=7)
FEATURES = ("amount", "signal", "weak_signal", "noise_one", "noise_two", "constant", "always_absent")


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return build_lake(tmp_path_factory.mktemp("models") / "lake")


def build_lake(root: Path, fraud_share: float = 0.03) -> Lake:
    """7,200 payments of 60 days; frauds are told by `signal`, a little by `weak_signal`, reported 7 days later."""
    rng = np.random.default_rng(3)
    count = DAYS * A_DAY
    day = np.repeat(np.arange(DAYS), A_DAY)
    fraud = rng.random(count) < fraud_share
    base = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC)
    times = [
        base + timedelta(days=int(d), seconds=int(s))
        for d, s in zip(day, rng.integers(0, 86400, count), strict=True)
    ]
    keys = {
        "source": pa.array(["made"] * count),
        "transaction_id": pa.array([f"t{number:06d}" for number in rng.permutation(count)]),
        "event_time": pa.array(times, TIMESTAMP),
        "event_date": pa.array([moment.date() for moment in times]),
        "known_time": pa.array(times, TIMESTAMP),
    }
    amount = rng.integers(100, 100_000, count)
    features = {
        "amount": amount.astype(np.float64),
        "signal": rng.normal(size=count) + 3.0 * fraud,
        "weak_signal": rng.normal(size=count) + 1.0 * fraud,
        "noise_one": rng.normal(size=count),
        "noise_two": np.where(rng.random(count) < 0.5, np.nan, rng.normal(size=count)),
        "constant": np.ones(count),
        "always_absent": np.full(count, np.nan),
    }
    lake = Lake(str(root))
    lake.insert_if_absent(RAW_TRANSACTIONS, _raw(keys, rng.integers(0, 500, count), amount))
    mart = pa.table(
        {**keys, **{name: pa.array(values, from_pandas=True) for name, values in features.items()}}
    )
    lake.replace_range(PAYMENT_FEATURES, mart, FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1))
    lake.insert_if_absent(JUDGEMENTS, _judgements(keys, times, fraud))
    return lake


def _raw(
    keys: dict[str, pa.Array], customer: np.ndarray[tuple[int], np.dtype[np.int64]], amount: object
) -> pa.Table:
    count = len(customer)
    filled: dict[str, pa.Array] = {
        **keys,
        "partition": pa.array([0] * count, pa.int16()),
        "customer_id": pa.array([f"c{code}" for code in customer]),
        "amount_minor": pa.array(amount),
        "file_id": pa.array(["hand"] * count),
        "source_line": pa.array(range(1, count + 1)),
    }
    words = {"kind": "purchase", "status": "completed", "currency": "INR", "channel": "CARD"}
    filled |= {name: pa.array([word] * count) for name, word in words.items()}
    schema = RAW_TRANSACTIONS.schema
    return pa.table([filled.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema)


def _judgements(
    keys: dict[str, pa.Array], times: list[datetime], fraud: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> pa.Table:
    rows = np.flatnonzero(fraud).tolist()
    records = [
        {
            "judgement_id": f"j{row}",
            "source": "made",
            "transaction_id": keys["transaction_id"][row].as_py(),
            "is_fraud": True,
            "known_time": times[row] + LABEL_DELAY,
            "judged_by": "chargeback",
            "confidence": None,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(records, schema=JUDGEMENTS.schema)
