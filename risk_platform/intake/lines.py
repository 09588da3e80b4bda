"""Bodies of events as canonical JSON lines: fields in alphabetical order, times as µs since 1970."""

from collections.abc import Sequence

import orjson
import pyarrow as pa

from risk_platform.intake.events import ARROW_TYPES, Columns, live_fields
from risk_platform.transactions.canonical import RecordKind


def json_lines(columns: Columns) -> list[bytes]:
    """One line per event."""
    names = sorted(columns)
    rows = zip(*(columns[name] for name in names), strict=True)
    return [orjson.dumps(dict(zip(names, row, strict=True))) for row in rows]


def read_lines(lines: Sequence[bytes], kind: RecordKind) -> pa.Table:
    """The events of the lines, in the columns of live events of that kind."""
    events = orjson.loads(b"[" + b",".join(lines) + b"]")
    return as_table(
        {field.name: [event[field.name] for event in events] for field in live_fields(kind)}, kind
    )


def as_table(columns: Columns, kind: RecordKind) -> pa.Table:
    """The columns as Arrow, in the order of the fields of that kind."""
    return pa.table(
        {
            field.name: pa.array(columns[field.name], pa.int64()).cast(ARROW_TYPES["time"])
            if field.type == "time"
            else pa.array(columns[field.name], ARROW_TYPES[field.type])
            for field in live_fields(kind)
        }
    )
