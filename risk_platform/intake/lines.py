"""Bodies of events as canonical JSON lines: fields in alphabetical order, times as µs since 1970."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
import pyarrow as pa

from risk_platform.intake.events import ARROW_TYPES, TIMESTAMP, Columns, live_fields
from risk_platform.transactions.canonical import RecordKind

# From so many events on, writing them column by column is faster.
_SIDE_BY_SIDE = 48


def body_lines(events: pa.Table) -> Sequence[bytes]:
    """One line for each of the events, whose columns are those of `as_table`."""
    names = sorted(events.column_names)
    columns = [_whole(events.column(name)) for name in names]
    if events.num_rows >= _SIDE_BY_SIDE:
        from risk_platform.audit.json_lines import object_lines

        return object_lines(dict(zip(names, columns, strict=True)))
    rows = zip(*(_values(column) for column in columns), strict=True)
    return [orjson.dumps(dict(zip(names, row, strict=True))) for row in rows]


def read_lines(lines: Sequence[bytes], kind: RecordKind) -> pa.Table:
    """The events of the lines, in the columns of live events of that kind."""
    events = orjson.loads(b"[" + b",".join(lines) + b"]")
    return as_table(
        {field.name: [event[field.name] for event in events] for field in live_fields(kind)}, kind
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = (column.view(pa.int64()) if column.type == TIMESTAMP else column).to_pylist()
    return values


def as_table(columns: Columns, kind: RecordKind) -> pa.Table:
    """The columns as Arrow, in the order of the fields of that kind."""
    names, record = _record(kind)
    values = [columns[name] for name in names]
    if len(values[0]) < _SIDE_BY_SIDE:
        # One call for all columns: each call of Arrow costs as much as a value does in a thousand.
        rows = list(zip(*values, strict=True))
        return pa.Table.from_batches([pa.RecordBatch.from_struct_array(pa.array(rows, record))])
    arrays = [_array(column, field.type) for column, field in zip(values, record, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(record))


@cache
def _record(kind: RecordKind) -> tuple[tuple[str, ...], pa.StructType]:
    """The fields of live events of that kind, and such an event as one type of Arrow."""
    fields = live_fields(kind)
    names = tuple(field.name for field in fields)
    return names, pa.struct([(field.name, ARROW_TYPES[field.type]) for field in fields])


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.int64()).view(kind) if kind == TIMESTAMP else pa.array(values, kind)
