"""Sensors of the door: they list and request, nothing else."""

import time

import dagster as dg

from risk_platform.defs.ingest.landing import landed_files, settled
from risk_platform.defs.jobs import daily_job, ingest_job
from risk_platform.defs.platform import Platform


@dg.sensor(job=ingest_job, minimum_interval_seconds=30, description="Requests the intake of each file that lands.")
def landing_history_sensor(platform: Platform) -> dg.SensorResult | dg.SkipReason:
    """One run for each settled file; the run key keeps the same file from being requested twice."""
    files = settled(landed_files(platform.folders), time.time())
    if not files:
        return dg.SkipReason(f"Nothing has landed in {platform.folders.landing_history}.")
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=file.run_key,
                run_config={"ops": {"landed_history": {"config": {"files": [str(file.path)]}}}},
                tags={"risk/file": file.path.name, "risk/mapping": file.mapping},
            )
            for file in files
        ]
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_job],
    request_job=daily_job,
    description="Requests the days that an intake touched.",
)
def ingested_days_sensor(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """One run over the range of business days of the payments just taken in."""
    found = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    for record in found.records:
        materialization = record.event_log_entry.asset_materialization
        if materialization and materialization.asset_key == dg.AssetKey("raw_transactions"):
            first, last = (materialization.metadata.get(name) for name in ("first_day", "last_day"))
            if first and last:
                return dg.RunRequest(
                    run_key=context.dagster_run.run_id,
                    tags={
                        "dagster/asset_partition_range_start": str(first.value),
                        "dagster/asset_partition_range_end": str(last.value),
                    },
                )
    return dg.SkipReason("The intake added no payments.")
