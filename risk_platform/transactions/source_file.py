"""A file of records, CSV or Parquet, read in batches of bounded memory with the number of every record."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from risk_platform.errors import InputError
from risk_platform.transactions.csv_records import RAGGED, Block, CsvRecords, RefusedRecord
from risk_platform.transactions.mapper import SOURCE_LINE
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.refusals import LONGEST_VALUE

_PARQUET_MAGIC = b"PAR1"
_GZIP_MAGIC = b"\x1f\x8b"
_BATCH_ROWS = 131_072
_BATCH_BYTES = 64 << 20
_OTHER_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class RawBatch:
    """The wanted columns of some records with `source_line`, and the records that were no rows."""

    frame: pl.DataFrame
    refused: tuple[RefusedRecord, ...] = ()


class SourceFile(Protocol):
    """An open file of records."""

    name: str
    columns: pl.Schema

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        """The `wanted` columns of every record, in order; raises InputError when the file breaks off."""
        ...

    @property
    def share_read(self) -> float:
        """How much of the file has been read, 0 to 1."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def open_source(path: Path, mapping: SourceMapping) -> SourceFile:
    """The file, ready to be read under the mapping.

    Raises InputError when it is missing, empty or of another format.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the file in it.")
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not size:
        raise InputError(f"{path} is empty.")
    is_parquet = magic == _PARQUET_MAGIC
    if mapping.format is not None and is_parquet != (mapping.format == "parquet"):
        found = "a Parquet file" if is_parquet else "no Parquet file"
        raise InputError(
            f"{path} is {found}, but the mapping {mapping.name} says `format: {mapping.format}`."
        )
    return (
        ParquetSource(path) if is_parquet else CsvSource(path, mapping, gzipped=magic.startswith(_GZIP_MAGIC))
    )


class ParquetSource:
    """A Parquet file, read row group by row group."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        self._rows_read = 0
        try:
            self._file = pq.ParquetFile(path)
            self.columns = pl.DataFrame(pl.from_arrow(self._file.schema_arrow.empty_table())).schema
        except (pa.ArrowException, OSError) as error:
            raise InputError(
                f"{path} is not a whole Parquet file; was it cut short? {_first_line(error)}"
            ) from error

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        columns = list(wanted) or self.columns.names()[:1]
        try:
            for batch in self._file.iter_batches(self._batch_rows(), columns=columns):
                frame = pl.DataFrame(pl.from_arrow(batch))
                lines = pl.Series(
                    SOURCE_LINE, np.arange(batch.num_rows, dtype=np.int64) + self._rows_read + 1
                )
                self._rows_read += batch.num_rows
                yield RawBatch(frame.with_columns(lines))
        except (pa.ArrowException, OSError) as error:
            message = (
                f"{self._path} breaks off or is damaged after row {self._rows_read}: {_first_line(error)}"
            )
            raise InputError(message) from error

    def close(self) -> None:
        self._file.close()

    @property
    def share_read(self) -> float:
        return float(self._rows_read / max(self._file.metadata.num_rows, 1))

    def _batch_rows(self) -> int:
        """Fewer rows at a time where rows are large."""
        metadata = self._file.metadata
        size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        return int(min(_BATCH_ROWS, max(1, _BATCH_BYTES * metadata.num_rows // max(size, 1))))


class CsvSource:
    """A CSV file, plain or gzipped."""

    def __init__(self, path: Path, mapping: SourceMapping, *, gzipped: bool) -> None:
        self.name = path.name
        self._mapping = mapping
        self._size = path.stat().st_size
        self._raw = path.open("rb")
        stream: BinaryIO = gzip.GzipFile(fileobj=self._raw) if gzipped else self._raw  # type: ignore[assignment]
        self._records = CsvRecords(
            stream, self.name, delimiter=mapping.delimiter, quote=mapping.quote, encoding=mapping.encoding
        )
        try:
            self._names = self._header()
        except InputError:
            self._raw.close()
            raise
        self.columns = pl.Schema(dict.fromkeys(self._names, pl.String()))

    def batches(self, wanted: tuple[str, ...]) -> Iterator[RawBatch]:
        repeated = [name for name in wanted if self._names.count(name) > 1]
        if repeated:
            raise InputError(f"{self.name} has the column {repeated[0]!r} twice; rename one.")
        wanted = wanted or tuple(self._names[:1])
        for block in self._records.blocks(len(self._names)):
            yield self._parsed(block, wanted)

    def close(self) -> None:
        self._raw.close()

    @property
    def share_read(self) -> float:
        return self._raw.tell() / self._size

    def _header(self) -> list[str]:
        line = self._records.first_line()
        if not line.strip():
            raise InputError(f"{self.name} is empty: it has no line.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"The header of {self.name} is not {self._mapping.encoding}; set `encoding`."
            ) from error
        if "\0" in text:
            raise InputError(f"{self.name} is neither Parquet nor text; export it as CSV or Parquet.")
        names = [name.strip() for name in self._values(text)]
        if len(names) == 1:
            self._refuse_wrong_delimiter(names[0])
        if self._mapping.header:
            return names
        self._records.push_back(line)
        return [str(position) for position in range(1, len(names) + 1)]

    def _refuse_wrong_delimiter(self, header: str) -> None:
        others = [
            other for other in _OTHER_DELIMITERS if other in header and other != self._mapping.delimiter
        ]
        if others:
            shown, likely = header[:80], max(others, key=header.count)
            written = "\\t" if likely == "\t" else likely
            raise InputError(
                f"The header of {self.name} is one column {shown!r}: is the delimiter {written!r}? "
                f"Set `delimiter` in the mapping {self._mapping.name}."
            )

    def _values(self, record: str) -> list[str]:
        if not self._mapping.quote:
            return record.split(self._mapping.delimiter)
        rows = csv.reader([record], delimiter=self._mapping.delimiter, quotechar=self._mapping.quote)
        try:
            return next(rows, [])
        except csv.Error:
            return []

    def _parsed(self, block: Block, wanted: tuple[str, ...]) -> RawBatch:
        lines = pl.Series(SOURCE_LINE, block.lines)
        positions = sorted(self._names.index(name) for name in wanted)
        if not len(block.lines):
            empty = pl.DataFrame(schema={self._names[i]: pl.String for i in positions})
            return RawBatch(empty.with_columns(lines), tuple(block.refused))
        frame = self._read_block(block.records, positions)
        if frame is None or frame.height != len(block.lines):
            return self._parsed_one_by_one(block, positions)
        return RawBatch(frame.with_columns(lines), tuple(block.refused))

    def _read_block(self, records: bytes, positions: list[int]) -> pl.DataFrame | None:
        """The block parsed at once, None when the parser sees other values than the quotes promise."""
        try:
            frame = pl.read_csv(
                BytesIO(records),
                has_header=False,
                columns=positions,
                separator=self._mapping.delimiter,
                quote_char=self._mapping.quote or None,
                infer_schema=False,
            )
        except pl.exceptions.ComputeError:
            return None
        frame.columns = [self._names[i] for i in positions]
        return frame

    def _parsed_one_by_one(self, block: Block, positions: list[int]) -> RawBatch:
        """Take each record alone where quotes inside values leave doubt; refuse those that do not fit."""
        refused, rows, kept = list(block.refused), [], []
        for line, record in zip(block.lines.tolist(), block.split(), strict=True):
            values = self._values(record)
            if len(values) == len(self._names):
                rows.append([values[i] for i in positions])
                kept.append(line)
            else:
                refused.append(RefusedRecord(line, RAGGED, record[:LONGEST_VALUE]))
        frame = pl.DataFrame(rows, schema={self._names[i]: pl.String for i in positions}, orient="row")
        return RawBatch(frame.with_columns(pl.Series(SOURCE_LINE, kept, dtype=pl.Int64)), tuple(refused))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") + "."
