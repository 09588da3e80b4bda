"""Data brought into the shape the registry promises, or refused by the name of the column that breaks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.errors import LakeError
from risk_platform.lake.table import Column, Table

Data: TypeAlias = pa.Table | pa.RecordBatchReader


class Conformed:
    """A stream of record batches in the table's columns, types and order, checked as it is read.

    `within` names a date column and the first and last day it may hold. Reading stops with a LakeError at the
    first batch that breaks a promise.
    """

    def __init__(self, table: Table, data: Data, within: tuple[str, date, date] | None = None) -> None:
        self.schema = conformed_schema(table, data.schema)
        self._table = table
        self._data = data
        self._within = within
        self._refusal: LakeError | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The stream; it can be read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    @contextmanager
    def refusal_first(self) -> Iterator[None]:
        """Raise the LakeError that ended the stream in place of the error its foreign reader made of it."""
        try:
            yield
        except Exception:
            if self._refusal is not None:
                raise self._refusal from None
            raise

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches = self._data.to_batches() if isinstance(self._data, pa.Table) else self._data
        try:
            for batch in batches:
                yield self._conform(batch)
        except LakeError as refusal:
            self._refusal = refusal
            raise

    def _conform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [_conform_column(self._table, batch.column(field.name), field) for field in self.schema]
        conformed = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        if self._within is not None and conformed.num_rows:
            self._refuse_outside(conformed, *self._within)
        return conformed

    def _refuse_outside(self, batch: pa.RecordBatch, column: str, first: date, last: date) -> None:
        extremes = pc.min_max(batch.column(column)).as_py()
        if extremes["min"] < first or extremes["max"] > last:
            raise LakeError(
                f"Lake table {self._table.name} cannot take this data: column {column} runs from "
                f"{extremes['min']} to {extremes['max']}, outside the days {first} to {last} to be replaced."
            )


def conformed_schema(table: Table, offered: pa.Schema) -> pa.Schema:
    """The registry's schema, followed by the open columns of `offered`.

    Raises LakeError naming every column that is missing, unknown, repeated or of a wrong type.
    """
    problems = [f"column {name} comes twice" for name in sorted(_repeated(offered.names))]
    problems += [f"column {name} is missing" for name in table.column_names if name not in offered.names]
    fixed = {column.name: column for column in table.columns}
    extra = [field for field in offered if field.name not in fixed]
    for field in offered:
        problems += _type_problems(table, field, fixed.get(field.name))
    if problems:
        raise LakeError(f"Lake table {table.name} cannot take this data: {'; '.join(problems)}.")
    return pa.schema([*table.schema, *(pa.field(field.name, pa.float64()) for field in extra)])


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _type_problems(table: Table, offered: pa.Field, column: Column | None) -> list[str]:
    if column is not None:
        if _castable(offered.type, column.type):
            return []
        return [f"column {column.name} is {offered.type} and must be {column.type}"]
    if not table.open_columns:
        return [f"column {offered.name} is not in the registry"]
    if not _castable(offered.type, pa.float64()):
        return [f"column {offered.name} is {offered.type} and must be double"]
    return []


def _castable(offered: pa.DataType, wanted: pa.DataType) -> bool:
    """True when every value of `offered` either fits `wanted` exactly or is refused by a safe cast."""
    if offered == wanted or pa.types.is_null(offered):
        return True
    if pa.types.is_dictionary(offered):
        return _castable(offered.value_type, wanted)
    if pa.types.is_list(wanted):
        return _is_any_list(offered) and _castable(offered.value_type, wanted.value_type)
    if pa.types.is_timestamp(wanted):
        return pa.types.is_timestamp(offered) and offered.tz is not None
    return any(family(offered) and family(wanted) for family in (_is_any_string, _is_float, _is_integer))


def _is_any_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_any_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind))


def _is_integer(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind))


def _conform_column(table: Table, values: pa.Array, field: pa.Field) -> pa.Array:
    if values.null_count and not field.nullable:
        raise LakeError(
            f"Lake table {table.name} cannot take this data: "
            f"column {field.name} is null in {values.null_count} rows."
        )
    if values.type == field.type:
        return values
    try:
        return values.cast(field.type)
    except pa.ArrowInvalid as error:
        raise LakeError(
            f"Lake table {table.name} cannot take this data: "
            f"column {field.name} does not fit {field.type}: {error}."
        ) from error
