"""Writes of a table: each is one commit, however much data it brings."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from risk_platform.errors import LakeError
from risk_platform.lake.conform import Conformed
from risk_platform.lake.durability import sync_commits
from risk_platform.lake.failures import lake_errors
from risk_platform.lake.snapshot import files_of
from risk_platform.lake.staging import staged_files
from risk_platform.lake.table import Table

# delta-rs keeps what it writes to a partitioned table in memory until the end: 2.7 GB for 12 M payments.
STAGE_BYTES = 128 * 2**20
# A commit that lost the race is refused, not replayed on a version that its data was not computed from.
_NO_RETRY = 0


@dataclass(frozen=True)
class Target:
    """Where a table lies: its URI, its folder when that is a local one, the storage options."""

    table: Table
    uri: str
    folder: Path | None
    options: dict[str, str]

    def sync(self, after: int) -> None:
        """Force all commits above version `after` to a local disk."""
        if self.folder is None:
            return
        try:
            sync_commits(self.folder, after)
        except OSError as error:
            raise LakeError(
                f"Lake table {self.table.name} has a new version that the disk did not confirm: {error}; "
                "check the disk before going on."
            ) from error


@dataclass(frozen=True)
class Batch:
    """Names one batch of a writer, so that it is known to be done: a later one has a higher `version`."""

    app_id: str
    version: int


@dataclass(frozen=True)
class Change:
    """What a write does to the rows there: adds to them, or overwrites all, or those of the days `within`.

    `batch` is recorded with the commit, so that it can be known to be done.
    """

    overwrite: bool = False
    within: tuple[str, date, date] | None = None
    batch: Batch | None = None

    @property
    def predicate(self) -> str | None:
        """SQL condition of the rows that an overwrite replaces; None for all."""
        if self.within is None:
            return None
        column, first, last = self.within
        return f"{column} >= '{first.isoformat()}' AND {column} <= '{last.isoformat()}'"

    @property
    def commit(self) -> CommitProperties:
        transactions = [Transaction(self.batch.app_id, self.batch.version)] if self.batch else None
        return CommitProperties(max_commit_retries=_NO_RETRY, app_transactions=transactions)


def write(target: Target, delta: DeltaTable | None, conformed: Conformed, change: Change) -> None:
    """Commit `conformed` on top of the version `delta`; None creates the table.

    What outgrows STAGE_BYTES is staged on the local disk part by part; an object store gets it in one go.
    Raises LakeError, with the table as it was, when the data, the disk or another writer stands against it.
    """
    before = -1 if delta is None else delta.version()
    with lake_errors(target.table, "written"), conformed.refusal_first():
        rows = conformed.reader()
        if target.folder is None:
            _write_at_once(target, delta, rows, change)
        else:
            part, following = _part(rows, rows.schema)
            if following is None:
                _write_at_once(target, delta, part.to_reader(), change)
            else:
                parts = chain([part], _parts(chain([following], rows), rows.schema))
                _publish(target, delta, staged_files(target.folder, target.table, parts), rows.schema, change)
    target.sync(before)


def _part(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> tuple[pa.Table, pa.RecordBatch | None]:
    """Batches of STAGE_BYTES or a little more, and the one that follows them, if any."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if held and size >= STAGE_BYTES:
            return pa.Table.from_batches(held, schema), batch
        held.append(batch)
        size += batch.nbytes
    return pa.Table.from_batches(held, schema), None


def _parts(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    following: pa.RecordBatch | None = next(batches, None)
    while following is not None:
        part, following = _part(chain([following], batches), schema)
        yield part


def _write_at_once(
    target: Target, delta: DeltaTable | None, rows: pa.RecordBatchReader, change: Change
) -> None:
    if delta is None:
        write_deltalake(
            target.uri,
            rows,
            mode="error",
            partition_by=target.table.partition_by,
            name=target.table.name,
            description=target.table.description,
            storage_options=target.options,
            commit_properties=change.commit,
        )
    elif change.overwrite:
        write_deltalake(
            delta,
            rows,
            mode="overwrite",
            predicate=change.predicate,
            schema_mode="merge",
            commit_properties=change.commit,
        )
    else:
        write_deltalake(delta, rows, mode="append", schema_mode="merge", commit_properties=change.commit)


def _publish(
    target: Target, delta: DeltaTable | None, added: list[AddAction], schema: pa.Schema, change: Change
) -> None:
    partition_by = [target.table.partition_by] if target.table.partition_by else []
    if delta is None:
        create_table_with_add_actions(
            target.uri,
            Schema.from_arrow(schema),
            added,
            mode="error",
            partition_by=partition_by,
            name=target.table.name,
            description=target.table.description,
            commit_properties=change.commit,
        )
        return
    if set(schema.names) - set(pa.schema(delta.schema().to_arrow()).names):
        # New open columns come with a commit of their own: it adds them, and no row.
        _write_at_once(target, delta, schema.empty_table().to_reader(), Change())
    removed = _removed(target.table, delta, change) if change.overwrite else []
    delta.create_write_transaction(
        [*removed, *added],
        mode="append",
        schema=delta.schema(),
        partition_by=partition_by,
        commit_properties=change.commit,
    )


def _removed(table: Table, delta: DeltaTable, change: Change) -> list[RemoveAction]:
    """What takes the files of `delta` away that the overwrite replaces."""
    moment = time.time_ns() // 1_000_000
    removed = []
    for file in files_of(delta).to_pylist():
        values: dict[str, str | None] = {}
        if table.partition_by is not None:
            day = file[f"partition.{table.partition_by}"]
            if change.within is not None and not change.within[1] <= day <= change.within[2]:
                continue
            values = {table.partition_by: day.isoformat()}
        removed.append(RemoveAction(file["path"], True, moment, file["size_bytes"], values))
    return removed
