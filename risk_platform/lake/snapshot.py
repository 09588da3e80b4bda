"""One version of a Delta table as a pyarrow dataset."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pa_fs
from deltalake import DeltaTable

from risk_platform.errors import LakeError
from risk_platform.lake.table import Table

KeyRange: TypeAlias = Mapping[str, tuple[Any, Any]]

_READER_VERSION = 1


def snapshot(
    table: Table, delta: DeltaTable, filesystem: pa_fs.FileSystem, keys: KeyRange | None = None
) -> ds.Dataset:
    """The files of `delta`, pruned by their partition when scanned; Parquet's own statistics prune the rest.

    With `keys` (lowest and highest value by column) only the files that can hold such a row. delta-rs' own
    dataset carries every statistic of every column into pyarrow one by one: 0.6 s for 180 files, 0.01 s here.
    """
    if delta.protocol().min_reader_version > _READER_VERSION:
        raise LakeError(
            f"Lake table {table.name} uses Delta features that this reader lacks (reader version "
            f"{delta.protocol().min_reader_version}); write it without deletion vectors and column mapping."
        )
    files = _overlapping(files_of(delta), keys or {})
    layout = ds.ParquetFileFormat()
    fragments = [
        layout.make_fragment(path, filesystem=filesystem, partition_expression=partition)
        for path, partition in zip(files["path"].to_pylist(), _partitions(table, files), strict=True)
    ]
    return ds.FileSystemDataset(fragments, _schema(table, delta), layout, filesystem)


def files_of(delta: DeltaTable) -> pa.Table:
    """Data files of the version: `path`, `size_bytes`, and `partition.`, `min.` and `max.` of each column."""
    return pa.table(delta.get_add_actions(flatten=True))


def _overlapping(files: pa.Table, keys: KeyRange) -> pa.Table:
    for column, (low, high) in keys.items():
        lowest, highest = f"min.{column}", f"max.{column}"
        if lowest in files.schema.names:
            unknown = pc.field(lowest).is_null() | pc.field(highest).is_null()
            files = files.filter(unknown | ((pc.field(lowest) <= high) & (pc.field(highest) >= low)))
    return files


def _partitions(table: Table, files: pa.Table) -> list[pc.Expression | None]:
    if table.partition_by is None:
        return [None] * files.num_rows
    values = files[f"partition.{table.partition_by}"]
    return [pc.field(table.partition_by) == value for value in values]


def _schema(table: Table, delta: DeltaTable) -> pa.Schema:
    """The registry's columns, null where older files lack them, then the open columns the table has."""
    stored = pa.schema(delta.schema().to_arrow())
    fixed = table.schema
    return pa.schema([*fixed, *(field for field in stored if field.name not in fixed.names)])
