"""The scratch copy of one file: rows that passed the door in one Parquet file, refused ones in another."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from risk_platform.transactions.completion import completed
from risk_platform.transactions.csv_records import RefusedRecord
from risk_platform.transactions.door import Door
from risk_platform.transactions.mapper import Mapper
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.refusals import REFUSAL_SCHEMA, Break, first_breaks, without
from risk_platform.transactions.rules import load_row_rules
from risk_platform.transactions.source_file import RawBatch

OTHER_CURRENCY = "currency_of_lake"


class Stage:
    """Holds one file's rows under `folder` until they are committed.

    `currency` is the one currency of the lake, None while it has none: then the first row that passes
    decides. `read` counts the records seen.
    """

    def __init__(
        self,
        folder: Path,
        mapping: SourceMapping,
        mapper: Mapper,
        *,
        timezone: str,
        now: datetime,
        currency: str | None,
    ) -> None:
        self.read = 0
        self._record = mapping.record
        self._mapper = mapper
        self._door = Door(rule for rule in load_row_rules(mapping.kind) if rule.at_door)
        self._timezone = timezone
        self._now = now
        self._currency = currency
        self.rows = _Spool(folder / "rows.parquet")
        self.refusals = _Spool(folder / "refusals.parquet")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rows.close()
        self.refusals.close()

    def add(self, batch: RawBatch) -> None:
        """Map and validate one batch; its rows end either among the rows or among the refusals."""
        mapped = self._mapper.map(batch.frame)
        frame = completed(mapped.frame, self._record, self._timezone)
        breaks = [*mapped.breaks, *self._door.breaks(frame, self._now)]
        breaks = first_breaks([*breaks, *self._currency_breaks(frame, breaks)], frame.height)
        self.read += frame.height + len(batch.refused)
        self.rows.write(without(frame, breaks))
        self.refusals.write(_refused_records(batch.refused))
        for item in breaks:
            self.refusals.write(self._mapper.refused(item, frame, batch.frame))

    def _currency_breaks(self, frame: pl.DataFrame, breaks: Iterable[Break]) -> list[Break]:
        if "currency" not in frame.columns:
            return []
        if self._currency is None:
            passed = without(frame, breaks)["currency"]
            self._currency = passed[0] if len(passed) else None
        if self._currency is None:
            return []
        return [Break(OTHER_CURRENCY, "currency", frame["currency"] != self._currency)]


class _Spool:
    """A Parquet file that grows by frames of one schema."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        if not frame.height and self._writer is not None:
            return
        table: pa.Table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="lz4")
        self._writer.write_table(table)
        self.count += frame.height

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _refused_records(records: Iterable[RefusedRecord]) -> pl.DataFrame:
    rows = [(record.line, None, record.rule, None, record.text) for record in records]
    return pl.DataFrame(rows, schema=REFUSAL_SCHEMA, orient="row")
