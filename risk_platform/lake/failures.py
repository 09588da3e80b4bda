"""What goes wrong below the lake, told as one LakeError sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from risk_platform.errors import LakeError
from risk_platform.lake.table import Table

_DISK_FULL = ("No space left on device", "File too large", "Disk quota exceeded")
# What the loser of a race for the first commit of a table is told.
_CREATED_MEANWHILE = "A table already exists"
_LONGEST = 300
_FULL_ERRNOS = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@contextmanager
def lake_errors(table: Table, action: str) -> Iterator[None]:
    """Turn errors of delta-rs, Arrow, DuckDB and the disk into one LakeError: "… was not `action`"."""
    try:
        yield
    except (DeltaError, OSError, pa.ArrowException, duckdb.Error) as error:
        if isinstance(error, CommitFailedError) or _CREATED_MEANWHILE in str(error):
            raise LakeError(
                f"Lake table {table.name} was not {action}: another writer committed first; "
                "let it end and run this again."
            ) from error
        if _is_disk_full(error):
            raise LakeError(
                f"Lake table {table.name} was not {action}: the disk is full; the table is as it was before, "
                "free some space and run this again."
            ) from error
        raise LakeError(f"Lake table {table.name} was not {action}: {_one_line(error)}.") from error


def _is_disk_full(error: BaseException) -> bool:
    text = str(error)
    return getattr(error, "errno", None) in _FULL_ERRNOS or any(words in text for words in _DISK_FULL)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST].rstrip(".") or type(error).__name__
