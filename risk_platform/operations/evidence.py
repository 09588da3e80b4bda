"""The records of a run as the audit log binds them: the line of each event and the line of its decision."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from risk_platform.audit.commitments import record_hashes, run_leaf
from risk_platform.audit.tree import tree_root
from risk_platform.operations.records import Run

_NUMBERS = pa.list_(pa.float64())


def decision_lines(decisions: pa.RecordBatch) -> list[bytes]:
    """Each decision as one line of JSON in the order of its columns: doubles exact, times in µs, NaN null."""
    names = decisions.schema.names
    columns = [_cells(column) for column in decisions.columns]
    return [
        orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_SERIALIZE_NUMPY)
        for row in zip(*columns, strict=True)
    ]


def hashes_of(salts: bytes, bodies: Sequence[bytes], decisions: pa.RecordBatch | None) -> list[bytes]:
    """Record hashes of the events with those lines; events that were not decided have an empty second line."""
    lines = [b""] * len(bodies) if decisions is None else decision_lines(decisions)
    return record_hashes(salts, bodies, lines)


def leaf_of(run: Run, salts: bytes) -> bytes:
    """The audit leaf of a run."""
    records = tree_root(hashes_of(salts, run.events.lines, run.decisions))
    return run_leaf(run.events.kind, run.sequence, len(run.events), run.known_time, records)


def _cells(column: pa.Array) -> Sequence[Any]:
    if column.type == _NUMBERS:
        return list(_number_lists(column))
    if pa.types.is_timestamp(column.type):
        return _list(column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()))
    if pa.types.is_date32(column.type):
        return _list(column.cast(pa.int32()))
    return _list(column)


def _number_lists(column: pa.Array) -> Iterator[Any]:
    """Rows of a column of lists of doubles as arrays, None for null."""
    values = column.values.to_numpy(zero_copy_only=False)
    ends = column.offsets.to_numpy()
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    for there, start, end in zip(valid.tolist(), ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        yield np.ascontiguousarray(values[start:end]) if there else None


def _list(column: pa.Array) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    return cells
