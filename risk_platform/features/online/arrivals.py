"""Payments of the canonical schema as the arrays that the state takes in."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.errors import ContractError
from risk_platform.features.online.columns import INTS
from risk_platform.features.online.kernel import Codes, Floats, Ints, Words
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.rows import DAYPART_BIT, GATE_BIT, SHIFTED_BIT
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
# Base columns by name: numbers with NaN for null, or hashes of texts.
Values = dict[str, Any]
_HOUR = 3_600_000_000


# What the others must be; all else is read as text.
_TYPES: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    "event_time": (
        "a timestamp with a time zone",
        lambda found: pa.types.is_timestamp(found) and bool(found.tz),
    ),
    "known_time": (
        "a timestamp with a time zone",
        lambda found: pa.types.is_timestamp(found) and bool(found.tz),
    ),
    "partition": ("a whole number", pa.types.is_integer),
    "amount_minor": ("a whole number", pa.types.is_integer),
    "latitude": ("a floating-point number", pa.types.is_floating),
    "longitude": ("a floating-point number", pa.types.is_floating),
}


@lru_cache(maxsize=16)
def check_types(schema: pa.Schema) -> None:
    """Raise ContractError for a column that is absent, or of a type that cannot be read.

    What is compiled takes every array for what it should be.
    """
    for name in COLUMNS:
        if name not in schema.names:
            raise ContractError(f"The payments lack the column {name}.")
        found = schema.field(name).type
        wanted, fits = _TYPES.get(name, ("text", _is_text))
        if not fits(found):
            raise ContractError(f"The column {name} of the payments is {found}; it must be {wanted}.")


def _is_text(found: pa.DataType) -> bool:
    inner = found.value_type if pa.types.is_dictionary(found) else found
    readers = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(reads(inner) for reads in readers)


def one_batch(payments: pa.Table) -> pa.RecordBatch:
    """What features read of one payment or more, each column in one piece; raises ContractError for another type."""
    check_types(payments.schema)
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
    words = np.empty((len(values["hour"]), len(columns)), np.uint64)
    for at, name in enumerate(columns):
        words[:, at] = values[name]
    return words


def first_bits(values: Values) -> Codes:
    """The bits known at the door: whether an account was paid, parts of the day, and those shifted by two hours."""
    payees, hours = values["counterparty_type"], values["hour"].astype(np.int32)
    account = ((payees != NULL) & (payees != word_of("merchant"))).astype(np.int32)
    bits: Codes = account << GATE_BIT | hours // 4 << DAYPART_BIT | (hours + 2) % 24 // 4 << SHIFTED_BIT
    return bits


def whole_numbers(values: Values) -> Ints:
    """Whole-number measures (n × measures)."""
    numbers = np.empty((len(values["hour"]), len(INTS)), np.int64)
    for at, name in enumerate(INTS):
        numbers[:, at] = values[name]
    return numbers


def arrivals_between(arrivals: Arrivals, begin: int, end: int) -> Arrivals:
    """The arrivals at positions `begin` up to `end`."""
    if (begin, end) == (0, len(arrivals.time)):
        return arrivals
    part = slice(begin, end)
    early = arrivals.early[(arrivals.early[:, 0] >= begin) & (arrivals.early[:, 0] < end)]
    return arrivals._replace(
        time=arrivals.time[part],
        known=arrivals.known[part],
        ints=arrivals.ints[part],
        words=arrivals.words[part],
        bits=arrivals.bits[part],
        identity=arrivals.identity[part],
        offsets=arrivals.offsets[begin : end + 1],
        early=early - np.array([begin, 0, 0]),
    )


def values_between(values: Values, begin: int, end: int) -> Values:
    """The columns at positions `begin` up to `end`."""
    return {name: column[begin:end] for name, column in values.items()}


def _instants(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    return column if column.type == TIMESTAMP else column.cast(TIMESTAMP)


def _texts(column: pa.Array) -> pa.Array:
    return column if column.type == _TEXT else column.cast(_TEXT)


def _numbers(column: pa.Array) -> Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)
