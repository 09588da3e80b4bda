"""Payments of the canonical schema as the arrays that the state takes in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from risk_platform.errors import ContractError
from risk_platform.features.online.arrow_memory import Exported
from risk_platform.features.online.columns import INTS
from risk_platform.features.online.derive import BASE_NUMBERS, BASE_TEXTS
from risk_platform.features.online.kernel import Ints, Words
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.reading import COLUMNS, joined_bytes, read_identities, read_payments
from risk_platform.kernels import settling
from risk_platform.lake.table import TIMESTAMP
from risk_platform.local_time import zone_offsets

_TEXT = pa.string()
# What is no text, as it is read.
_PLAIN = {
    "partition": pa.int16(),
    "event_time": TIMESTAMP,
    "known_time": TIMESTAMP,
    "amount_minor": pa.int64(),
    "latitude": pa.float64(),
    "longitude": pa.float64(),
}
_STANDARD = pa.schema([(name, _PLAIN.get(name, _TEXT)) for name in COLUMNS])
_NO_VERDICTS = np.zeros((0, 3), np.int64)
_length, _identify, _read = settling(joined_bytes), settling(read_identities), settling(read_payments)


def _is_instant(found: pa.DataType) -> bool:
    return pa.types.is_timestamp(found) and bool(found.tz)


def _is_text(found: pa.DataType) -> bool:
    inner = found.value_type if pa.types.is_dictionary(found) else found
    readers = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(reads(inner) for reads in readers)


# What the others must be; all else is read as text.
_TYPES: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    "event_time": ("a timestamp with a time zone", _is_instant),
    "known_time": ("a timestamp with a time zone", _is_instant),
    "partition": ("a whole number", pa.types.is_integer),
    "amount_minor": ("a whole number", pa.types.is_integer),
    "latitude": ("a floating-point number", pa.types.is_floating),
    "longitude": ("a floating-point number", pa.types.is_floating),
}


@dataclass(frozen=True)
class Layout:
    """Where the COLUMNS stand in batches of one schema; with `recast`, once they are cast and put in order.

    `wanted` are the places in COLUMNS of the identifiers called `codes`, and of the texts that expressions read.
    """

    schema: pa.Schema
    places: Ints
    wanted: Ints
    recast: bool

    @classmethod
    def of(cls, schema: pa.Schema, codes: Sequence[str]) -> "Layout":
        """Raises ContractError for a column that is absent, or of a type that cannot be read.

        What is compiled takes every column for what it should be.
        """
        for name in COLUMNS:
            if name not in schema.names:
                raise ContractError(f"The payments lack the column {name}.")
            found = schema.field(name).type
            kind, fits = _TYPES.get(name, ("text", _is_text))
            if not fits(found):
                raise ContractError(f"The column {name} of the payments is {found}; it must be {kind}.")
        recast = any(schema.field(name).type != _STANDARD.field(name).type for name in COLUMNS)
        places = range(len(COLUMNS)) if recast else map(schema.get_field_index, COLUMNS)
        wanted = [COLUMNS.index(name) for name in (*codes, *BASE_TEXTS)]
        return cls(schema, np.array([*places], np.int64), np.array(wanted, np.int64), recast)

    def one_batch(self, payments: pa.Table) -> pa.RecordBatch:
        """The payments, one at least, each column in one piece."""
        if self.recast:
            payments = payments.select(COLUMNS).cast(_STANDARD)
        pieces = payments.to_batches()
        return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)


def read_arrivals(batch: pa.RecordBatch, layout: Layout, timezone: str) -> Arrivals:
    """The payments of a batch of that layout, and no verdicts on them."""
    exported, count = Exported(batch), batch.num_rows
    arrivals = Arrivals(
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty((count, len(INTS)), np.int64),
        np.empty((count, len(layout.wanted) - len(BASE_TEXTS)), np.uint64),
        np.empty(count, np.int32),
        np.empty(count, np.uint64),
        np.empty(count + 1, np.int32),
        np.empty(_length(exported.address, count, layout.places), np.uint8),
        np.empty((count, len(BASE_NUMBERS))),
        np.empty((len(BASE_TEXTS), count), np.uint64),
        _NO_VERDICTS,
    )
    _read(exported.address, layout.places, layout.wanted, *zone_offsets(timezone), arrivals)
    return arrivals


def identities_of(rows: pa.Table) -> Words:
    """Hashes of source and transaction_id of each row."""
    named = rows.select(["source", "transaction_id"])
    [batch] = (
        named.cast(pa.schema([(name, _TEXT) for name in named.column_names])).combine_chunks().to_batches()
    )
    exported, places = Exported(batch), np.arange(2)
    words, offsets = np.empty(len(rows), np.uint64), np.empty(len(rows) + 1, np.int32)
    _identify(
        exported.address,
        places,
        offsets,
        np.empty(_length(exported.address, len(rows), places), np.uint8),
        words,
    )
    return words


def micros(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Timestamps as µs since 1970, never to be written to."""
    instants = column if column.type == TIMESTAMP else column.cast(TIMESTAMP)
    whole = instants.combine_chunks() if isinstance(instants, pa.ChunkedArray) else instants
    moments: Ints = whole.to_numpy(zero_copy_only=False).view(np.int64)
    return moments


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
        base=arrivals.base[part],
        texts=np.ascontiguousarray(arrivals.texts[:, part]),
        early=early - np.array([begin, 0, 0]),
    )
