"""A live file read in parts, each ready for the engine: mapped, checked at the live door, its lines known."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa

from risk_platform.errors import InputError
from risk_platform.intake.events import live_fields, micros
from risk_platform.intake.file_part import FilePart
from risk_platform.intake.prepared import Prepared, Preparer, ReportKind
from risk_platform.intake.refusals import Refusals
from risk_platform.operations.live_files import LiveFile
from risk_platform.transactions.canonical import RecordKind
from risk_platform.transactions.mapper import SOURCE_LINE, Mapper
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.refusals import first_breaks
from risk_platform.transactions.source_file import RawBatch, open_source

KINDS: Mapping[RecordKind, ReportKind] = {
    "payments": "payment",
    "judgements": "judgement",
    "outcomes": "outcome",
}
_HASHED_BYTES = 1 << 20
_RULE, _COLUMN, _VALUE = "refused_rule", "refused_column", "refused_value"


@dataclass(frozen=True)
class ReadPart:
    """The events of some lines, and which lines of which file they are."""

    prepared: Prepared
    part: FilePart


def check_file(path: Path, mapping: SourceMapping) -> LiveFile:
    """The file by its content, read to its end once.

    Raises InputError when it cannot be read under the mapping as a whole, or is of what does not come in live.
    """
    if mapping.kind not in KINDS:
        raise InputError(
            f"{path.name} holds {mapping.kind}, which do not come in live; put it into landing/history."
        )
    with _refusing(path), closing(open_source(path, mapping)) as source:
        mapper = Mapper(mapping, source.columns, source.name)
        for batch in source.batches(mapper.source_columns):
            mapper.map(batch.frame)
    return LiveFile(_file_id(path, mapping), path.name, mapping.name, mapping.source, mapping.kind)


class LiveReader:
    """Reads the parts of one file that are not done; `size` lines at a time."""

    def __init__(self, path: Path, mapping: SourceMapping, file: LiveFile, size: int) -> None:
        self._path = path
        self._mapping = mapping
        self._file = file
        self._size = size
        self._kind = KINDS[mapping.kind]
        self._preparer = Preparer()
        self._names = [field.name for field in live_fields(mapping.kind)]

    def parts(self, lines_done: int, now: datetime) -> Iterator[ReadPart]:
        """The parts behind the line `lines_done`, in the order of the file; `now` is the instant of checking.

        Raises InputError when the file is another one by now.
        """
        with _refusing(self._path), closing(open_source(self._path, self._mapping)) as source:
            mapper = Mapper(self._mapping, source.columns, source.name)
            for batch in source.batches(mapper.source_columns):
                rows = _rows(batch, mapper).filter(pl.col(SOURCE_LINE) > lines_done)
                for start in range(0, rows.height, self._size):
                    yield self._part(rows.slice(start, self._size), now)

    def _part(self, rows: pl.DataFrame, now: datetime) -> ReadPart:
        refusals = Refusals(rows.height)
        for position, rule, column, value in (
            rows.with_row_index()
            .filter(pl.col(_RULE).is_not_null())[["index", _RULE, _COLUMN, _VALUE]]
            .iter_rows()
        ):
            refusals.add([position], rule, column, lambda _, value=value: value or "")  # type: ignore[misc]
        columns = {name: _plain(rows[name]).to_list() for name in self._names}
        lines = rows[SOURCE_LINE].to_list()
        part = FilePart(self._file, lines, columns["transaction_id"], lines[-1], micros(now))
        return ReadPart(self._preparer.check(self._kind, columns, refusals, now), part)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what the readers of tables make of a strange file into the sentence that refuses it."""
    try:
        yield
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise InputError(f"{path.name} cannot be read: {reason}.") from error


def _rows(batch: RawBatch, mapper: Mapper) -> pl.DataFrame:
    """The lines of a batch in their order: canonical values, and rule, column and value of those refused."""
    mapped = mapper.map(batch.frame)
    breaks = first_breaks(mapped.breaks, mapped.frame.height)
    refused = [mapper.refused(item, mapped.frame, batch.frame) for item in breaks]
    torn = [(item.line, item.rule, "", item.text) for item in batch.refused]
    schema = {SOURCE_LINE: pl.Int64, _RULE: pl.String, _COLUMN: pl.String, _VALUE: pl.String}
    named = {"rule": _RULE, "column": _COLUMN, "value": _VALUE}
    reasons = pl.concat(
        [frame.rename(named).select(schema) for frame in refused]
        + [pl.DataFrame(torn, schema=schema, orient="row")]
    )
    return mapped.frame.join(reasons, on=SOURCE_LINE, how="full", coalesce=True).sort(SOURCE_LINE)


def _plain(values: pl.Series) -> pl.Series:
    """Times as µs since 1970, everything else as it is."""
    return values.cast(pl.Int64) if isinstance(values.dtype, pl.Datetime) else values


def _file_id(path: Path, mapping: SourceMapping) -> str:
    digest = hashlib.sha256(mapping.fingerprint.encode())
    with path.open("rb") as stream:
        while chunk := stream.read(_HASHED_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
