"""The rows of a stream whose key is not in the lake yet, found in bounded memory."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536


class AbsentRows:
    """Rows of a spooled stream with a key that neither an earlier row nor `existing` has.

    The stream is written to `spool` (Parquet) once; only keys and row numbers are joined, and DuckDB spills
    those when they outgrow its memory. `offered` counts the rows of the stream, `absent` those that are new.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, spool: Path, key: tuple[str, ...]) -> None:
        self._connection = connection
        self._spool = spool
        self._key = key
        self._columns: list[str] = []
        self.offered = 0
        self.absent = 0

    def spool(self, stream: pa.RecordBatchReader) -> None:
        """Write the stream to disk; it is then read as often as needed."""
        self._columns = stream.schema.names
        with pq.ParquetWriter(self._spool, stream.schema) as writer:
            for batch in stream:
                writer.write_batch(batch)
                self.offered += batch.num_rows

    def find(self, existing: ds.Dataset | None) -> None:
        """Number the rows that are new; `existing` holds at least the key columns."""
        known = "" if existing is None else f"ANTI JOIN existing USING ({self._key_list})"
        if existing is not None:
            self._connection.register("existing", existing.filter(self._key_range()))
        self._connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE new_lines AS
            SELECT line FROM (
                SELECT {self._key_list}, min(file_row_number) AS line
                FROM read_parquet($spool, file_row_number = true) GROUP BY {self._key_list}
            ) AS offered {known}""",  # noqa: S608
            {"spool": str(self._spool)},
        )
        self.absent = self._row("SELECT count(*) FROM new_lines", {})[0]

    def reader(self) -> pa.RecordBatchReader:
        """The new rows in the order of the stream's columns."""
        columns = ", ".join(f'"{name}"' for name in self._columns)
        return self._connection.sql(
            f"""SELECT {columns} FROM read_parquet($spool, file_row_number = true) AS offered
            WHERE file_row_number IN (SELECT line FROM new_lines)""",  # noqa: S608
            params={"spool": str(self._spool)},
        ).to_arrow_reader(_BATCH_ROWS)

    @property
    def _key_list(self) -> str:
        return ", ".join(f'"{name}"' for name in self._key)

    def _key_range(self) -> pc.Expression:
        """Range of the offered keys: it spares files by their statistics; a key may be in any partition."""
        bounds = ", ".join(f'min("{name}"), max("{name}")' for name in self._key)
        row = self._row(f"SELECT {bounds} FROM read_parquet($spool)", {"spool": str(self._spool)})  # noqa: S608
        expression = pc.scalar(True)
        for position, name in enumerate(self._key):
            low, high = row[2 * position], row[2 * position + 1]
            if low is not None:
                expression = expression & (ds.field(name) >= low) & (ds.field(name) <= high)
        return expression

    def _row(self, query: str, parameters: dict[str, str]) -> tuple[Any, ...]:
        return self._connection.execute(query, parameters).fetchall()[0]
