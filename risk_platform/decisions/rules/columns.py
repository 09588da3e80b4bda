"""What rules may speak of: features, columns of the payment, and lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.errors import ContractError

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

TEXTS: tuple[str, ...] = (
    "kind",
    "status",
    "customer_id",
    "instrument_id",
    "counterparty_id",
    "counterparty_type",
    "currency",
    "channel",
    "mcc",
    "device_id",
    "ip_token",
    "city",
    "country",
)
NUMBERS: tuple[str, ...] = ("amount_minor", "latitude", "longitude")
PAYMENT_COLUMNS: tuple[str, ...] = (*TEXTS, *NUMBERS)
_LAYOUTS_KEPT = 16
_MICROSECONDS, _DAYS = pa.timestamp("us", "UTC"), pa.date32()
_WHOLE = {4: np.int32, 8: np.int64}


@dataclass(frozen=True)
class Features:
    """Feature values of n payments: `values` is (n × names), NaN where a payment has no such value."""

    names: tuple[str, ...]
    values: Floats

    @classmethod
    def of(cls, payments: pa.Table | pa.RecordBatch, names: Sequence[str]) -> "Features":
        """The features called `names` that `payments` has as columns; null is NaN."""
        present = tuple(name for name in names if name in payments.schema.names)
        values = np.empty((payments.num_rows, len(present)))
        for at, name in enumerate(present):
            values[:, at] = payments.column(name).to_numpy(zero_copy_only=False)
        return cls(present, values)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Which of `names` are not there."""
        _, missing = _places(self.names, tuple(names))
        return list(missing)

    def matrix(self, names: Sequence[str]) -> Floats:
        """The features called `names` in that order; raises ContractError naming those that are not there."""
        if missing := self.missing(names):
            raise ContractError(f"The payments lack the features {', '.join(missing)}; build them first.")
        return self.filled(names)

    def filled(self, names: Sequence[str]) -> Floats:
        """The features called `names` as a matrix, NaN in the columns of those that are not there."""
        places, missing = _places(self.names, tuple(names))
        if not missing:
            return np.ascontiguousarray(self.values) if places is None else self.values.take(places, axis=1)
        return np.ascontiguousarray(np.stack([self.column(name) for name in names], axis=1))

    def column(self, name: str) -> Floats:
        """One feature, NaN for every payment when it is not there."""
        return (
            self.values[:, self.names.index(name)]
            if name in self.names
            else np.full(len(self.values), np.nan)
        )


@lru_cache(_LAYOUTS_KEPT)
def _places(
    names: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[npt.NDArray[np.intp] | None, tuple[str, ...]]:
    """Where the `wanted` stand among `names` (None: they are these), and those that do not."""
    at = {name: place for place, name in enumerate(names)}
    missing = tuple(name for name in wanted if name not in at)
    places = np.array([at[name] for name in wanted if name in at], dtype=np.intp)
    return None if wanted == names else places, missing


def as_batch(payments: pa.Table | pa.RecordBatch) -> pa.RecordBatch:
    """The same rows in one piece."""
    if isinstance(payments, pa.RecordBatch):
        return payments
    batches = payments.to_batches()
    if len(batches) != 1:
        batches = payments.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=payments.schema)


def ticks(column: pa.Array, kind: pa.DataType) -> npt.NDArray[np.signedinteger]:
    """Integers, times as their ticks or dates as days as they lie in memory, in the unit of `kind`; any where null."""
    if not column.type.equals(kind):
        column = column.cast(kind)
    _, content = column.buffers()
    width = kind.bit_width // 8
    return np.frombuffer(content or b"", _WHOLE[width], len(column), column.offset * width)


class Seen:
    """One batch of payments with its `features` as rules see it; what rules ask for more than once is read once."""

    def __init__(self, payments: pa.Table | pa.RecordBatch, features: Features) -> None:
        self.count = payments.num_rows
        self._payments = as_batch(payments)
        self._schema = self._payments.schema
        self.features = features
        self._numbers: dict[str, Floats] = {}
        self._texts: dict[str, pa.Array] = {}
        self._strings: dict[str, npt.NDArray[np.object_]] = {}
        self._found: dict[tuple[str, tuple[str, ...]], Bools] = {}

    def column(self, name: str) -> pa.Array:
        """A column of the payments; raises ContractError when it is not there."""
        place = self._schema.get_field_index(name)
        if place < 0:
            raise ContractError(f"The payments lack the column {name}, which decisions look at.")
        return self._payments.column(place)

    def has(self, name: str) -> bool:
        """Whether the payments have that column."""
        return bool(self._schema.get_field_index(name) >= 0)

    def number(self, name: str) -> Floats:
        """A feature or number of the payment, NaN where unknown."""
        known = self._numbers.get(name)
        if known is None:
            known = self._stated_number(name) if name in NUMBERS else self.features.column(name)
            self._numbers[name] = known
        return known

    def text(self, name: str) -> pa.Array:
        """A text of the payment, null where unknown."""
        if name not in self._texts:
            self._texts[name] = self.column(name)
        return self._texts[name]

    def unknown(self, name: str) -> Bools:
        """Where a text of the payment is unknown."""
        texts = self.text(name)
        if not texts.null_count:
            return np.zeros(self.count, dtype=np.bool_)
        unknown: Bools = texts.is_null().to_numpy(zero_copy_only=False)
        return unknown

    def one_of(self, name: str, values: tuple[str, ...]) -> Bools:
        """Where a text of the payment is one of `values`."""
        known = self._found.get((name, values))
        if known is None:
            texts = self._read(name)
            known = np.zeros(self.count, dtype=np.bool_)
            for value in values:
                known |= texts == value
            self._found[name, values] = known
        return known

    @cached_property
    def event_times(self) -> npt.NDArray[np.signedinteger]:
        """Microseconds since 1970 of every payment."""
        return ticks(self.column("event_time"), _MICROSECONDS)

    @cached_property
    def event_dates(self) -> npt.NDArray[np.signedinteger]:
        """Business days since 1970 of every payment."""
        return ticks(self.column("event_date"), _DAYS)

    def _stated_number(self, name: str) -> Floats:
        return np.asarray(self.column(name).to_numpy(zero_copy_only=False), np.float64)

    def _read(self, name: str) -> npt.NDArray[np.object_]:
        """A text of the payment as Python's strings, None where unknown."""
        if name not in self._strings:
            self._strings[name] = self.text(name).to_numpy(zero_copy_only=False)
        return self._strings[name]
