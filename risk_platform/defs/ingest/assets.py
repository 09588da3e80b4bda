"""The door for history: landed files become raw payments, judgements, outcomes, parties, or quarantine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.compute as pc
from pydantic import Field

from risk_platform.defs.ingest.landing import LandedFile, landed_files
from risk_platform.defs.platform import IO_RETRY, Materialized, Platform, final_refusals
from risk_platform.lake.ingest import IngestReport, ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    INGESTED_FILES,
    JUDGEMENTS,
    OUTCOMES,
    PARTIES,
    QUARANTINE,
    RAW_TRANSACTIONS,
)
from risk_platform.transactions.mapping import SourceMapping, load_mapping

# Payments first: a judgement of a payment the lake does not know is refused.
_ORDER = ("parties", "payments", "outcomes", "judgements")
_TABLES = (RAW_TRANSACTIONS, JUDGEMENTS, OUTCOMES, PARTIES, QUARANTINE)

landed_history = dg.AssetSpec(
    "landed_history",
    group_name="ingest",
    description="Files of history in RISK_HOME/landing/history/<mapping>/, as others put them there.",
    kinds={"file"},
)

inbox = dg.AssetSpec(
    "inbox",
    group_name="ingest",
    description="What came in live, as the engine keeps it in the operational store; micro-batches drain it.",
    kinds={"sql"},
)
_ALSO_LIVE = (RAW_TRANSACTIONS, JUDGEMENTS, OUTCOMES, QUARANTINE)


class IntakeConfig(dg.Config):
    """Which landed files to take in."""

    files: list[str] = Field(
        default_factory=list, description="Paths of landed files; none means all that lie there."
    )


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            table.name,
            deps=["landed_history", "inbox"] if table in _ALSO_LIVE else ["landed_history"],
            description=table.description,
            kinds={"delta"},
        )
        for table in _TABLES
    ],
    group_name="ingest",
    pool="ingest",
    retry_policy=IO_RETRY,
)
def intake(
    context: dg.AssetExecutionContext, config: IntakeConfig, platform: Platform
) -> Iterator[Materialized]:
    """Take the landed files into the lake; the same file twice adds nothing."""
    lake, now, reports = platform.lake, datetime.now(UTC), {}
    with final_refusals():
        for file, mapping in _in_order(_wanted(landed_files(platform.folders), config.files)):
            reports[file.path] = _take_in(lake, file.path, mapping, platform, now)
            context.log.info(_sentence(file.path, reports[file.path]))
    for table in _TABLES:
        yield dg.MaterializeResult(table.name, metadata=_metadata(lake, table, reports, now))


def _wanted(files: list[LandedFile], paths: list[str]) -> list[LandedFile]:
    return [file for file in files if not paths or str(file.path) in paths]


def _in_order(files: list[LandedFile]) -> list[tuple[LandedFile, SourceMapping]]:
    mapped = [(file, load_mapping(file.mapping)) for file in files]
    return sorted(mapped, key=lambda pair: (_ORDER.index(pair[1].kind), pair[0].path.name))


def _take_in(
    lake: Lake, path: Path, mapping: SourceMapping, platform: Platform, now: datetime
) -> IngestReport:
    current = platform.settings
    return ingest_file(
        lake,
        path,
        mapping,
        timezone=current.timezone,
        label_maturity=current.label_maturity,
        now=now,
    )


def _sentence(path: Path, report: IngestReport) -> str:
    if report.already_ingested:
        return f"{path.name}: taken in before, nothing added"
    refused = sum(report.quarantined.values())
    return f"{path.name}: {report.accepted:,} accepted, {refused:,} quarantined, {report.duplicates:,} duplicates"


def _metadata(lake: Lake, table: Table, reports: dict[Path, IngestReport], now: datetime) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "dagster/row_count": lake.dataset(table).count_rows(),
        "table_version": lake.version(table),
    }
    if table is RAW_TRANSACTIONS:
        metadata |= _touched_days(lake, now)
    if table is QUARANTINE:
        metadata["quarantined_by_file"] = {path.name: report.quarantined for path, report in reports.items()}
    return metadata


def _touched_days(lake: Lake, now: datetime) -> dict[str, str]:
    """First and last business day of the payments taken in at `now`; nothing when there were none."""
    files = lake.read(INGESTED_FILES, columns=["file_id"], filter=pc.field("ingested_time") == now)["file_id"]
    if not len(files):
        return {}
    of_files = pc.field("file_id").isin(files)
    days = pc.min_max(
        lake.read(RAW_TRANSACTIONS, columns=["event_date"], filter=of_files)["event_date"]
    ).as_py()
    if days["min"] is None:
        return {}
    return {"first_day": days["min"].isoformat(), "last_day": days["max"].isoformat()}
