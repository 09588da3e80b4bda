"""The rows of a stream whose key is not in the lake yet, found in bounded memory."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from risk_platform.lake.snapshot import KeyRange

_BATCH_ROWS = 65_536


class AbsentRows:
    """The first row of each key of a stream, less the keys that the lake has.

    The stream is written once to the file `spool`; then only keys and row numbers are grouped and joined,
    which DuckDB spills when they outgrow its memory. `offered` counts the rows of the stream.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        spool: Path,
        key: tuple[str, ...],
        stream: pa.RecordBatchReader,
    ) -> None:
        self._session = session
        self._key = key
        self._columns = stream.schema.names
        self.offered = _spool(stream, spool)
        # Names cannot be bound as parameters in a view; the registry's are plain words, the path is quoted.
        source = str(spool).replace("'", "''")
        session.execute(f"CREATE VIEW offered AS FROM read_parquet('{source}', file_row_number = true)")
        session.execute(
            f"CREATE TABLE new_rows AS SELECT {_listed(key)}, min(file_row_number) AS row_number "  # noqa: S608
            f"FROM offered GROUP BY {_listed(key)}"
        )

    def count(self) -> int:
        """How many rows are left."""
        return int(self._row("SELECT count(*) FROM new_rows")[0])

    def key_range(self) -> KeyRange:
        """Lowest and highest value of each key column among the rows left; there must be one."""
        bounds = self._row(f"SELECT {_listed(self._key, 'min({0}), max({0})')} FROM new_rows")  # noqa: S608
        return {name: (bounds[2 * i], bounds[2 * i + 1]) for i, name in enumerate(self._key)}

    def leave_out(self, existing: ds.Dataset) -> None:
        """Drop the rows whose key `existing` has."""
        self._session.register("existing", existing)
        self._session.execute(
            "CREATE OR REPLACE TABLE new_rows AS FROM new_rows "
            f"ANTI JOIN existing USING ({_listed(self._key)})"
        )

    def reader(self) -> pa.RecordBatchReader:
        """The rows left, with all columns of the stream."""
        rows = self._session.sql(
            f"SELECT {_listed(self._columns)} FROM offered "  # noqa: S608
            "WHERE file_row_number IN (SELECT row_number FROM new_rows)"
        )
        return rows.to_arrow_reader(_BATCH_ROWS)

    def _row(self, query: str) -> tuple[Any, ...]:
        return self._session.execute(query).fetchall()[0]


def _spool(stream: pa.RecordBatchReader, path: Path) -> int:
    """Write the stream, plainly: it is read back twice and deleted."""
    count = 0
    with pq.ParquetWriter(
        path, stream.schema, compression="lz4", use_dictionary=False, write_statistics=False
    ) as writer:
        for batch in stream:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def _listed(names: tuple[str, ...] | list[str], pattern: str = "{0}") -> str:
    return ", ".join(pattern.format(f'"{name}"') for name in names)
