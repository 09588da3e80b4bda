"""Sensors of the door: they list and request, nothing else."""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import date

import dagster as dg

from risk_platform.defs.ingest.landing import landed_files, settled
from risk_platform.defs.jobs import daily_job, ingest_job
from risk_platform.defs.platform import Platform, partition_range_tags
from risk_platform.settings import settings


@dg.sensor(
    job=ingest_job, minimum_interval_seconds=30, description="Requests the intake of the files that land."
)
def landing_history_sensor(
    context: dg.SensorEvaluationContext, platform: Platform
) -> dg.SensorResult | dg.SkipReason:
    """One run for all settled files not requested before: payments and their judgements belong together."""
    requested = set(json.loads(context.cursor or "[]"))
    lying = settled(landed_files(platform.folders), time.time())
    new = [file for file in lying if file.state not in requested]
    if not new:
        return dg.SkipReason(f"Nothing new has landed in {platform.folders.landing_history}.")
    request = dg.RunRequest(
        run_key=hashlib.sha256("\n".join(file.state for file in new).encode()).hexdigest(),
        run_config={"ops": {"intake": {"config": {"files": [str(file.path) for file in new]}}}},
    )
    return dg.SensorResult(run_requests=[request], cursor=json.dumps([file.state for file in lying]))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_job],
    request_job=daily_job,
    description="Requests the business days that an intake touched.",
)
def ingested_days_sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """One run over the range of business days of the payments just taken in."""
    found = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    for record in found.records:
        materialization = record.event_log_entry.asset_materialization
        if materialization and materialization.asset_key == dg.AssetKey("raw_transactions"):
            return _request(context.dagster_run.run_id, materialization.metadata)
    return dg.SkipReason("The intake added no payments.")


def _request(run_id: str, metadata: Mapping[str, dg.MetadataValue]) -> dg.RunRequest | dg.SkipReason:
    if "first_day" not in metadata:
        return dg.SkipReason("The intake added no payments.")
    first, last = (date.fromisoformat(str(metadata[name].value)) for name in ("first_day", "last_day"))
    start = settings().start_date
    if last < start:
        return dg.SkipReason(
            f"All payments are before RISK_START_DATE {start}; set it to {first} to build their days."
        )
    return dg.RunRequest(run_key=run_id, tags=partition_range_tags(max(first, start), last))
