"""The records of a run as the audit log binds them: the line of each event and the line of its decision."""

from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from risk_platform.audit.commitments import record_hashes, records_root, run_leaf
from risk_platform.operations.records import Run

_NUMBERS = pa.list_(pa.float64())
_DOUBLE_BYTES = 8
# From so many rows on, writing them column by column is faster.
_SIDE_BY_SIDE = 48


def decision_lines(decisions: pa.RecordBatch) -> Sequence[bytes]:
    """Each decision as one line, a JSON array in the order of its columns.

    Times are in µs; a list of doubles is the base64 of its bytes, little-endian, null in it being NaN: so they
    are exact, and a thousand lines are written in milliseconds.
    """
    if decisions.num_rows >= _SIDE_BY_SIDE:
        from risk_platform.audit.json_lines import array_lines

        return array_lines(decisions.columns)
    columns = [_cells(column) for column in decisions.columns]
    return [orjson.dumps(row) for row in zip(*columns, strict=True)]


def hashes_of(salts: bytes, bodies: Sequence[bytes], decisions: pa.RecordBatch | None) -> list[bytes]:
    """Record hashes of the events with those lines; events that were not decided have an empty second line."""
    return record_hashes(salts, bodies, _lines_of(decisions, len(bodies)))


def leaf_of(run: Run, salts: bytes) -> bytes:
    """The audit leaf of a run."""
    records = records_root(salts, run.events.lines, _lines_of(run.decisions, len(run.events)))
    columns = columns_of(run.decisions)
    return run_leaf(run.events.kind, run.sequence, len(run.events), run.known_time, records, columns)


def _lines_of(decisions: pa.RecordBatch | None, events: int) -> Sequence[bytes]:
    return [b""] * events if decisions is None else decision_lines(decisions)


def columns_of(decisions: pa.RecordBatch | None) -> list[str] | None:
    """The columns of decision lines."""
    return None if decisions is None else list(decisions.schema.names)


def _cells(column: pa.Array) -> Sequence[Any]:
    if column.type == _NUMBERS:
        return list(_number_lists(column))
    if pa.types.is_timestamp(column.type):
        return _list(column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()))
    if pa.types.is_date32(column.type):
        return _list(column.cast(pa.int32()))
    return _list(column)


def _number_lists(column: pa.Array) -> Iterator[str | None]:
    """Rows of a column of lists of doubles, None for null."""
    content = column.values.to_numpy(zero_copy_only=False).astype("<f8", copy=False).tobytes()
    ends = (column.offsets.to_numpy() * _DOUBLE_BYTES).tolist()
    for there, start, end in zip(column.is_valid().to_pylist(), ends[:-1], ends[1:], strict=True):
        yield b2a_base64(content[start:end], newline=False).decode() if there else None


def _list(column: pa.Array) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    return cells
