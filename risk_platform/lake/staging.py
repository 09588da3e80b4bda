"""Data larger than memory, written part by part beside its table before one commit names it all."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
from deltalake import write_deltalake
from deltalake.transaction import AddAction

from risk_platform.lake.durability import added_files, sync_file
from risk_platform.lake.table import Table

_PREFIX = "_staging-"


def staged_files(folder: Path, table: Table, parts: Iterable[pa.Table]) -> list[AddAction]:
    """Data files of `parts`, laid into the table's `folder` and forced to disk, but in no commit yet.

    The parts are appended to a table of their own, so that delta-rs encodes them, holds one at a time and
    takes the statistics; then the files move.
    """
    staging = folder / f"{_PREFIX}{uuid4().hex}"
    try:
        for part in parts:
            write_deltalake(str(staging), part, mode="append", partition_by=table.partition_by)
        return [_moved(staging, folder, file) for file in added_files(staging)]
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Delete what writes that were killed had staged; none may be running."""
    for staging in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(staging)


def _moved(staging: Path, folder: Path, file: dict[str, Any]) -> AddAction:
    relative = unquote(file["path"])
    sync_file(staging / relative)
    (folder / relative).parent.mkdir(exist_ok=True)
    (staging / relative).rename(folder / relative)
    return AddAction(
        file["path"], file["size"], file["partitionValues"], file["modificationTime"], True, file["stats"]
    )
