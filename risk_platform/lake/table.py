"""What a lake table is: its columns, key, partitioning and meaning."""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")
STRINGS = pa.list_(pa.string())
DOUBLES = pa.list_(pa.float64())

Kind = Literal["fact", "derived"]


@dataclass(frozen=True)
class Column:
    """One column: name, Arrow type, meaning, and whether it may be null."""

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """One Delta table.

    A *fact* is only ever inserted if its key is absent; a *derived* table has whole partitions (or, unpartitioned,
    itself) replaced. `open_columns` says that further double columns, named by the feature spec, follow the fixed ones.
    """

    name: str
    description: str
    kind: Kind
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: str | None = None
    open_columns: bool = False

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the fixed columns, in order."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
