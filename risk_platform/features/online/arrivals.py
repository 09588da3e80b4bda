"""Payments of the canonical schema as the arrays that the state takes in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.features.online.derive import Values
from risk_platform.features.online.kernel import Floats, Ints, Words
from risk_platform.features.online.plan import INTS, READY, TEXTS
from risk_platform.features.online.text import NULL, Joined, joined, text_words, texts_of, word_of
from risk_platform.lake.table import TIMESTAMP

# Columns of the payment that features read.
COLUMNS = (
    "source", "transaction_id", "partition", "event_time", "known_time", "kind", "status", "customer_id",
    "instrument_id", "counterparty_id", "counterparty_type", "amount_minor", "channel", "mcc", "device_id",
    "latitude", "longitude", "city",
)  # fmt: skip


# Columns of which only the hashes matter: expressions compare them with a text, or they are identifiers.
_HASHED = (
    "channel", "kind", "status", "counterparty_type", "customer_id", "instrument_id", "counterparty_id", "mcc",
    "device_id", "city",
)  # fmt: skip
_TEXT = pa.string()
_HOUR = 3_600_000_000


def one_batch(payments: pa.Table) -> pa.RecordBatch:
    """What features read of one payment or more, each column in one piece."""
    pieces = payments.select(COLUMNS).to_batches()
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)


def micros(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Timestamps as µs since 1970."""
    moments: Ints = _instants(column).to_numpy().astype("datetime64[us]", copy=False).view(np.int64)
    return moments


def numbers_of(payments: pa.RecordBatch, timezone: str) -> Values:
    """The base columns that expressions read, by their names in the declaration; texts as their hashes."""
    words = text_words(pa.concat_arrays([_texts(payments.column(name)) for name in _HASHED]))
    values: Values = dict(zip(_HASHED, words.reshape(len(_HASHED), -1), strict=True))
    moments = _instants(payments.column("event_time")).view(pa.timestamp("us", tz=timezone))
    local = pc.local_timestamp(moments)
    clock = _numbers(local.view(pa.int64()))
    values["amount"] = _floats(payments.column("amount_minor"))
    values["hour"] = (clock // _HOUR % 24).astype(np.float64)
    # 1970 began on a Thursday.
    values["weekday"] = ((clock // (24 * _HOUR) + 3) % 7 + 1).astype(np.float64)
    for name in ("latitude", "longitude"):
        values[name] = _floats(payments.column(name))
    return values


def identities_of(rows: pa.RecordBatch | pa.Table) -> Joined:
    """Source and transaction_id of each row as one text, which sorts as the two do."""
    return joined(texts_of(rows.column("source")), texts_of(rows.column("transaction_id")))


def words_of(values: Values, columns: Sequence[str]) -> Words:
    """Hashes of the identifier columns (n × columns), 0 for null."""
    payees = values["counterparty_type"]
    unpaid = (payees == NULL) | (payees == word_of("merchant"))
    accounts = {"payee_account_id": np.where(unpaid, NULL, values["counterparty_id"])}
    words = np.empty((len(payees), len(columns)), np.uint64)
    for at, name in enumerate(columns):
        words[:, at] = accounts[name] if name in accounts else values[name]
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


def _instants(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return column if column.type == TIMESTAMP else column.cast(TIMESTAMP)


def _texts(column: pa.Array) -> pa.Array:
    return column if column.type == _TEXT else column.cast(_TEXT)


def _numbers(column: pa.Array) -> Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
