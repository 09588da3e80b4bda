"""What keeps the tables of micro-batches quick to read."""

import dagster as dg

from risk_platform.defs.platform import Platform, final_refusals
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    DECISIONS,
    INGESTED_FILES,
    JUDGEMENTS,
    MICRO_BATCHES,
    OUTCOMES,
    QUARANTINE,
    RAW_TRANSACTIONS,
)

_EVENTS = (RAW_TRANSACTIONS, JUDGEMENTS, OUTCOMES, QUARANTINE, INGESTED_FILES)
_DECISIONS = (DECISIONS, MICRO_BATCHES)


@dg.op(pool="ingest", out=dg.Out(dg.Nothing))
def compact_events(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Merges the small files of drained events."""
    _compact(context, platform, _EVENTS)


@dg.op(pool="decisions", ins={"events": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
def compact_decisions(context: dg.OpExecutionContext, platform: Platform) -> None:
    """Merges the small files of drained decisions."""
    _compact(context, platform, _DECISIONS)


@dg.job
def compaction_job() -> None:
    """Merges the many small files that micro-batches leave; no row changes."""
    compact_decisions(events=compact_events())


def _compact(context: dg.OpExecutionContext, platform: Platform, tables: tuple[Table, ...]) -> None:
    with final_refusals():
        for table in tables:
            merged = platform.lake.compact(table)
            context.log.info(f"{table.name}: {merged:,} files merged")
