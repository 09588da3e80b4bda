"""Payments of the canonical schema as the arrays that the state takes in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.features.online.derive import Values
from risk_platform.features.online.kernel import Floats, Ints, Words
from risk_platform.features.online.plan import INTS, READY, TEXTS
from risk_platform.features.online.text import text_buffers, text_words
from risk_platform.lake.tables import TIMESTAMP

# Columns of the payment that features read.
COLUMNS = (
    "source", "transaction_id", "partition", "event_time", "known_time", "kind", "status", "customer_id",
    "instrument_id", "counterparty_id", "counterparty_type", "amount_minor", "channel", "mcc", "device_id",
    "latitude", "longitude", "city",
)  # fmt: skip


def micros(column: pa.ChunkedArray) -> Ints:
    """Timestamps as µs since 1970."""
    if column.type != TIMESTAMP:
        column = column.cast(TIMESTAMP)
    moments: Ints = column.to_numpy().astype("datetime64[us]", copy=False).view(np.int64)
    return moments


def numbers_of(payments: pa.Table, timezone: str) -> Values:
    """The base columns that expressions read, by their names in the declaration."""
    local = payments.column("event_time").cast(pa.timestamp("us", tz=timezone))
    values: Values = {
        name: payments.column(name) for name in ("channel", "kind", "status", "counterparty_type")
    }
    values["amount"] = _numbers(payments.column("amount_minor")).astype(np.float64)
    values["hour"] = _numbers(pc.hour(local)).astype(np.float64)
    values["weekday"] = _numbers(pc.day_of_week(local, count_from_zero=False, week_start=1)).astype(
        np.float64
    )
    for name in ("latitude", "longitude"):
        values[name] = _floats(payments.column(name))
    return values


def identities_of(payments: pa.Table) -> pa.Array:
    """Source and transaction_id of each payment as one text, which sorts as the two do."""
    joined = pc.binary_join_element_wise(payments.column("source"), payments.column("transaction_id"), "\0")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def words_of(payments: pa.Table, columns: Sequence[str]) -> Words:
    """Hashes of the identifier columns (n × columns), 0 for null."""
    words = np.zeros((payments.num_rows, len(columns)), np.uint64)
    for at, name in enumerate(columns):
        words[:, at] = (
            _payee_words(payments) if name == "payee_account_id" else text_words(payments.column(name))
        )
    return words


def ready_codes(hour: Floats) -> npt.NDArray[np.int32]:
    """The codes that need no table, in the order of READY: parts of the day, and the same shifted by two hours."""
    hours = hour.astype(np.int32)
    parts = {"daypart": hours // 4, "daypart_shifted": (hours + 2) % 24 // 4}
    return np.stack([parts[name] for name in READY], axis=1)


def whole_numbers(values: Values) -> Ints:
    """Whole-number measures (n × measures)."""
    return np.stack([values[name].astype(np.int64) for name in INTS], axis=1)


def code_plan(codes: Sequence[str]) -> tuple[Ints, tuple[str, ...], tuple[str, ...]]:
    """For each code its id space (-1: ready) and column; then the hashed columns and the id spaces."""
    texts = tuple(name for name in codes if name in TEXTS)
    spaces = tuple(dict.fromkeys(TEXTS[name] for name in texts))
    plan = [
        (spaces.index(TEXTS[name]), texts.index(name)) if name in TEXTS else (-1, READY.index(name))
        for name in codes
    ]
    return np.array(plan, np.int64).reshape(len(plan), 2), texts, spaces


def text_parts(texts: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], Words]:
    """Offsets, bytes and hashes of `texts`."""
    offsets, content, _ = text_buffers(texts)
    return offsets, content, text_words(texts)


def _payee_words(payments: pa.Table) -> Words:
    words = text_words(payments.column("counterparty_id"))
    kind = payments.column("counterparty_type")
    is_account = pc.fill_null(pc.not_equal(kind, "merchant"), False).to_numpy()
    return np.where(is_account, words, np.uint64(0))


def _numbers(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(), np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), np.float64)
