"""The lake: every registered table as a Delta table, written atomically and durably, read without locks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from urllib.parse import unquote, urlparse
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pa_fs
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from risk_platform.errors import LakeError
from risk_platform.lake.absent import AbsentRows
from risk_platform.lake.conform import Conformed, Data
from risk_platform.lake.durability import refuse_torn_commit
from risk_platform.lake.failures import lake_errors
from risk_platform.lake.scratch import scratch_folder
from risk_platform.lake.session import open_session
from risk_platform.lake.snapshot import snapshot
from risk_platform.lake.staging import remove_leftovers
from risk_platform.lake.table import Table
from risk_platform.lake.tables import TABLES
from risk_platform.lake.writing import Batch, Change, Target, write

_Result = TypeVar("_Result")
# Only keys are joined, and what they need beyond this is spilled.
_KEYS_MEMORY = "1GB"


@dataclass(frozen=True)
class Inserted:
    """Rows inserted, and rows left out because their key was there or came earlier in the same data."""

    inserted: int
    duplicates: int


class Lake:
    """Delta tables under one root: a folder, or an object-store URI with its storage `options`.

    Every write is one commit. On a local disk it is forced to the disk before the call returns. A table has
    one writer at a time: of two that overlap, the later one gets a LakeError and changes nothing. Readers
    hold a version and never wait.
    """

    def __init__(self, root: str, options: Mapping[str, str] | None = None) -> None:
        self._options = dict(options or {})
        self._folder = _local_folder(root)
        self._root = str(self._folder) if self._folder else root.rstrip("/")

    @property
    def root(self) -> str:
        """Folder or URI below which the tables lie."""
        return self._root

    @property
    def options(self) -> Mapping[str, str]:
        """Object-store options it was opened with."""
        return self._options

    def exists(self, table: Table) -> bool:
        """True once the table was written for the first time."""
        return self._open(table) is not None

    def version(self, table: Table) -> int:
        """Delta version of the table, -1 while it does not exist."""
        delta = self._open(table)
        return -1 if delta is None else delta.version()

    def dataset(self, table: Table, version: int | None = None) -> ds.Dataset:
        """The table, now or as of `version`, for scans with pushdown; empty while it does not exist."""
        delta = self._open(table, version)
        if delta is None:
            return ds.dataset(table.schema.empty_table())
        with lake_errors(table, "read"):
            return snapshot(table, delta, self._filesystem(table))

    def read(
        self,
        table: Table,
        columns: list[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002
        version: int | None = None,
    ) -> pa.Table:
        """Rows of the table that pass `filter`, in no particular order."""
        dataset = self.dataset(table, version)
        with lake_errors(table, "read"):
            return dataset.to_table(columns=columns, filter=filter)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB session (UTC, spilling) that sees every registered table as it is now."""
        session = open_session(scratch_folder() / uuid4().hex)
        for table in TABLES:
            session.register(table.name, self.dataset(table))
        return session

    def insert_if_absent(self, table: Table, data: Data, batch: Batch | None = None) -> Inserted:
        """Insert the rows whose key the table lacks, in one commit; of rows with one key the first wins.

        With `batch` that commit says so even where it has no row, and a batch that is done adds nothing.
        """
        conformed = Conformed(table, data)
        delta = self._open(table)
        if batch is not None and _batch_done(delta, batch.app_id) >= batch.version:
            return Inserted(0, 0)
        with (
            TemporaryDirectory(dir=scratch_folder()) as scratch,
            open_session(Path(scratch) / "spill", _KEYS_MEMORY) as session,
            lake_errors(table, "written"),
        ):
            with conformed.refusal_first():
                rows = AbsentRows(session, Path(scratch) / "offered.parquet", table.key, conformed.reader())
            if delta is not None and rows.offered:
                rows.leave_out(snapshot(table, delta, self._filesystem(table), rows.key_range()))
            absent = rows.count()
            if absent or batch is not None:
                write(self._target(table), delta, Conformed(table, rows.reader()), Change(batch=batch))
        return Inserted(absent, rows.offered - absent)

    def append_once(self, table: Table, data: Data, app_id: str, version: int) -> bool:
        """Append `data` as batch `version` of `app_id`; False when it, or a later one, is there already."""
        delta = self._open(table)
        if _batch_done(delta, app_id) >= version:
            return False
        write(self._target(table), delta, Conformed(table, data), Change(batch=Batch(app_id, version)))
        return True

    def batch_done(self, table: Table, app_id: str) -> int:
        """The last batch of `app_id` that is in the table, -1 before the first."""
        return _batch_done(self._open(table), app_id)

    def append_at(self, table: Table, data: Data, version: int) -> None:
        """Append rows whose keys the caller found absent at `version` of the table.

        Raises LakeError, and changes nothing, when another writer was there in between.
        """
        delta = self._open(table)
        found = -1 if delta is None else delta.version()
        if found != version:
            raise LakeError(
                f"Lake table {table.name} changed from version {version} to {found} under this writer; "
                "run it again."
            )
        write(self._target(table), delta, Conformed(table, data), Change())

    def replace_range(self, table: Table, data: Data, from_date: date, to_date: date) -> None:
        """Replace all partitions from `from_date` to `to_date`, both included, by `data` in one commit."""
        column = table.partition_by
        if column is None:
            raise LakeError(f"Lake table {table.name} has no partitions; replace it as a whole.")
        within = (column, from_date, to_date)
        conformed = Conformed(table, data, within)
        write(self._target(table), self._open(table), conformed, Change(overwrite=True, within=within))

    def replace(self, table: Table, data: Data) -> None:
        """Replace the whole unpartitioned table by `data` in one commit."""
        if table.partition_by is not None:
            raise LakeError(
                f"Lake table {table.name} is partitioned; replace a range of its {table.partition_by}."
            )
        write(self._target(table), self._open(table), Conformed(table, data), Change(overwrite=True))

    def compact(self, table: Table) -> int:
        """Merge small data files into larger ones, rows unchanged; returns how many files were merged."""
        metrics = self._maintain(table, "compacted", lambda delta: delta.optimize.compact())
        return 0 if metrics is None else int(metrics["numFilesRemoved"])

    def vacuum(self, table: Table, retention: timedelta) -> int:
        """Delete data files that no version younger than `retention` needs; returns how many were deleted.

        Nobody may be writing the table meanwhile when `retention` is shorter than a write takes.
        """
        if retention < timedelta(0):
            raise LakeError(f"Lake table {table.name} cannot be vacuumed with a negative retention.")
        hours = ceil(retention / timedelta(hours=1))
        deleted = self._maintain(
            table, "vacuumed", lambda delta: delta.vacuum(hours, False, False, full=True)
        )
        folder = self._table_folder(table)
        if folder is not None:
            remove_leftovers(folder)
        return 0 if deleted is None else len(deleted)

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        with lake_errors(table, "opened"):
            folder = self._table_folder(table)
            if folder is not None:
                refuse_torn_commit(folder)
            if not DeltaTable.is_deltatable(self._uri(table), self._options):
                return None
            return DeltaTable(self._uri(table), version=version, storage_options=self._options)

    def _filesystem(self, table: Table) -> pa_fs.FileSystem:
        folder = self._table_folder(table)
        if folder is None:
            return pa_fs.PyFileSystem(DeltaStorageHandler(self._uri(table), self._options))
        return pa_fs.SubTreeFileSystem(str(folder), pa_fs.LocalFileSystem())

    def _maintain(self, table: Table, action: str, run: Callable[[DeltaTable], _Result]) -> _Result | None:
        delta = self._open(table)
        if delta is None:
            return None
        before = delta.version()
        with lake_errors(table, action):
            result = run(delta)
        self._target(table).sync(before)
        return result

    def _target(self, table: Table) -> Target:
        return Target(table, self._uri(table), self._table_folder(table), self._options)

    def _uri(self, table: Table) -> str:
        return f"{self._root}/{table.name}"

    def _table_folder(self, table: Table) -> Path | None:
        return None if self._folder is None else self._folder / table.name


def _batch_done(delta: DeltaTable | None, app_id: str) -> int:
    done = None if delta is None else delta.transaction_version(app_id)
    return -1 if done is None else done


def _local_folder(root: str) -> Path | None:
    """The folder that `root` names, None when it is the address of an object store."""
    if "://" not in root:
        return Path(root).absolute()
    address = urlparse(root)
    return Path(unquote(address.path)) if address.scheme == "file" else None
