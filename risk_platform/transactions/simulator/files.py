"""A simulation as files: payments, and beside them judgements, parties and the ground truth."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from risk_platform.errors import InputError
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.simulation import Progress, Simulation
from risk_platform.transactions.simulator.tables import numbered_judgements

# Columns with hardly a value twice, which a dictionary would only make larger.
_SCATTERED = ("transaction_id", "judgement_id", "event_time", "known_time", "latitude", "longitude")
FileFormat = Literal["parquet", "csv"]


@dataclass(frozen=True)
class SimulationFiles:
    """Where the tables of a simulation lie; `ground_truth` is for evaluation, never for ingestion."""

    payments: Path
    judgements: Path
    parties: Path
    ground_truth: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.payments, self.judgements, self.parties, self.ground_truth

    @property
    def format(self) -> FileFormat:
        return "csv" if self.payments.suffix == ".csv" else "parquet"


@dataclass(frozen=True)
class SimulationSummary:
    """What a written simulation holds: counts, frauds by typology, judgements, and its files."""

    payments: int
    frauds: dict[str, int]
    judgements: int
    parties: int
    files: SimulationFiles


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


def simulation_files(out: Path) -> SimulationFiles:
    """The files for `out`: a .parquet or .csv file of payments with its siblings, or a folder.

    Raises InputError for another ending.
    """
    if out.suffix in (".parquet", ".csv"):
        stem, suffix = out.with_suffix(""), out.suffix
        names = [f"{stem.name}{part}{suffix}" for part in ("", ".judgements", ".parties", ".ground_truth")]
        return SimulationFiles(*(out.parent / name for name in names))
    if out.suffix:
        raise InputError(f"{out} ends with {out.suffix}; name a .parquet or .csv file, or a folder.")
    return SimulationFiles(
        *(out / f"{name}.parquet" for name in ("payments", "judgements", "parties", "ground_truth"))
    )


def write_simulation(
    config: SimulationConfig, out: Path, progress: Progress | None = None
) -> SimulationSummary:
    """Simulate `config` into the files of `out`, replacing them, and return what they hold.

    Payments are written block by block, so memory does not grow with the period; the same configuration
    gives the same bytes. Files appear under their names only when all are complete. Raises InputError when
    they cannot be written.
    """
    files = simulation_files(out)
    simulation = Simulation(config)
    try:
        files.payments.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".simulating-", dir=files.payments.parent) as draft:
            drafts = SimulationFiles(*(Path(draft) / path.name for path in files.paths))
            judgements, truth, payments = _write_blocks(simulation, drafts, progress)
            _write_whole(judgements, drafts.judgements, files.format)
            _write_whole(simulation.parties, drafts.parties, files.format)
            _write_whole(truth, drafts.ground_truth, files.format)
            for made, path in zip(reversed(drafts.paths), reversed(files.paths), strict=True):
                made.replace(path)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror or error}.") from error
    frauds = {str(row["values"]): int(row["counts"]) for row in truth["typology"].value_counts().to_pylist()}
    return SimulationSummary(payments, frauds, len(judgements), len(simulation.parties), files)


def _write_blocks(
    simulation: Simulation, files: SimulationFiles, progress: Progress | None
) -> tuple[pa.Table, pa.Table, int]:
    judgements, truths, count = [], [], 0
    blocks = simulation.blocks(progress)
    first = next(blocks)
    with (
        _closing(_writer(files.payments, files.format, first.payments.schema)) as writer,
        ThreadPoolExecutor(1) as background,
    ):
        # One block is written while the next one is made, and never more than that one waits.
        writing = background.submit(writer.write_table, first.payments)
        for block in chain([first], blocks):
            if block is not first:
                writing.result()
                writing = background.submit(writer.write_table, block.payments)
            judgements.append(block.judgements)
            truths.append(block.ground_truth)
            count += len(block.payments)
        writing.result()
    return (
        numbered_judgements(simulation.spaces, pa.concat_tables(judgements)),
        pa.concat_tables(truths),
        count,
    )


def _write_whole(table: pa.Table, path: Path, file_format: FileFormat) -> None:
    with _closing(_writer(path, file_format, table.schema)) as writer:
        writer.write_table(table)


@contextmanager
def _closing(writer: _Writer) -> Iterator[_Writer]:
    try:
        yield writer
    finally:
        writer.close()


def _writer(path: Path, file_format: FileFormat, schema: pa.Schema) -> _Writer:
    if file_format == "csv":
        return pyarrow.csv.CSVWriter(path, schema)  # type: ignore[no-any-return]
    # Everything that decides about bytes is fixed here, so that a seed has one file.
    return pq.ParquetWriter(  # type: ignore[no-any-return]
        path,
        schema,
        compression="zstd",
        compression_level=1,
        version="2.6",
        use_dictionary=[name for name in schema.names if name not in _SCATTERED],
        store_schema=False,
    )
