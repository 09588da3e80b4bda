"""Micro-batches: what the engine took in goes into the lake, a few seconds later and exactly once."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import dagster as dg
from sqlalchemy.engine import URL

from risk_platform.defs.platform import Platform, final_refusals
from risk_platform.intake.draining import InboxDrain
from risk_platform.intake.faults import fault_point
from risk_platform.lake.lake import Inserted
from risk_platform.lake.tables import DECISIONS
from risk_platform.operations.database import database_url
from risk_platform.operations.presence import has_inbox
from risk_platform.operations.store import Store

LOOK_SECONDS = 5
# A run that was killed, or one that always fails, is not repeated at every look.
_AFTER_FAILURE_SECONDS = 20.0
# Its slots in the pools are free again then, should nobody have noticed that it is dead.
_LONGEST_SECONDS = 1800
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.op(pool="ingest", out=dg.Out(dg.Nothing))
def drain_events(context: dg.OpExecutionContext, platform: Platform) -> None:
    """New payments, judgements, outcomes and live files of the operational store into the lake."""
    with final_refusals(), inbox_of(platform) as store:
        drain = InboxDrain(store, platform.lake, fault_point(os.environ))
        for name, inserted in drain.drain_events().items():
            _report(context, name, inserted)
        files = drain.drain_files(store.live_files())
    context.log.info(f"{files:,} live files")


@dg.op(pool="decisions", ins={"events": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
def drain_decisions(context: dg.OpExecutionContext, platform: Platform) -> None:
    """The engine's decisions on what was drained, with the feature values it saw."""
    with final_refusals(), inbox_of(platform) as store:
        drain = InboxDrain(store, platform.lake, fault_point(os.environ))
        _report(context, DECISIONS.name, drain.drain_decisions(datetime.now(UTC)))


@dg.job(tags={"dagster/max_runtime": str(_LONGEST_SECONDS)})
def inbox_job() -> None:
    """Drains the inbox of the operational store into the lake, each event once."""
    drain_decisions(events=drain_events())


@dg.sensor(
    job=inbox_job,
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests a micro-batch when the inbox holds what the lake does not.",
)
def inbox_sensor(
    context: dg.SensorEvaluationContext, platform: Platform
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run at a time; it drains whatever is there when it begins."""
    if not has_inbox(_url(platform)):
        yield dg.SkipReason("No engine has run here yet.")
        return
    last = _latest_run(context.instance)
    if last is not None and last.dagster_run.status in _UNDER_WAY:
        yield dg.SkipReason(f"Run {last.dagster_run.run_id} is under way.")
        return
    if last is not None and last.dagster_run.status is not dg.DagsterRunStatus.SUCCESS:
        ended = last.end_time or last.update_timestamp.timestamp()
        if time.time() - ended < _AFTER_FAILURE_SECONDS:
            yield dg.SkipReason("The last micro-batch failed a moment ago.")
            return
    with inbox_of(platform) as store:
        waiting = InboxDrain(store, platform.lake).waiting()
    if waiting.is_empty:
        yield dg.SkipReason(f"The lake holds the inbox up to {waiting.last:,}.")
    else:
        yield dg.RunRequest(tags={"risk_platform/inbox": f"{waiting.first}-{waiting.last}"})


@contextmanager
def inbox_of(platform: Platform) -> Iterator[Store]:
    """The operational store of the installation, open for reading."""
    store = Store.open(_url(platform))
    try:
        yield store
    finally:
        store.close()


def _url(platform: Platform) -> URL:
    return database_url(platform.settings.database_url, platform.folders.root)


def _latest_run(instance: dg.DagsterInstance) -> dg.RunRecord | None:
    records = instance.get_run_records(dg.RunsFilter(job_name="inbox_job"), limit=1)
    return records[0] if records else None


def _report(context: dg.OpExecutionContext, table: str, inserted: Inserted) -> None:
    counts: Mapping[str, int] = {"rows": inserted.inserted, "known_before": inserted.duplicates}
    context.log.info(f"{table}: {inserted.inserted:,} rows, {inserted.duplicates:,} known before")
    context.log_event(dg.AssetObservation(table, metadata=counts))
