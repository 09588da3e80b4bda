"""DuckDB sessions: in memory, bounded, spilling to a folder of their own, in UTC."""

from pathlib import Path

import duckdb

MEMORY_LIMIT = "3GB"


def open_session(spill_folder: Path, memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that keeps to `memory_limit` and spills into a new folder below `spill_folder`.

    No extension is fetched from anywhere, row order is kept only where a query asks for it, times are in UTC.
    """
    session = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(spill_folder),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
        }
    )
    session.execute("SET TimeZone = 'UTC'")
    return session
