"""What happens when a run fails: it is written down where the risk desk and an operator's log shipper find it."""

import json

import dagster as dg

from risk_platform.defs.platform import Platform


@dg.run_failure_sensor(
    name="run_failure_sensor",
    description="Appends each failed run with its cause to RISK_HOME/run_failures.jsonl.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def run_failure_sensor(context: dg.RunFailureSensorContext, platform: Platform) -> None:
    """One JSON line per failed run: run id, job, failed steps, message."""
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    line = {
        "run_id": context.dagster_run.run_id,
        "job": context.dagster_run.job_name,
        "ended": record.end_time if record else None,
        "steps": [event.step_key for event in context.get_step_failure_events()],
        "message": context.failure_event.message,
    }
    with platform.folders.run_failures.open("a") as file:
        file.write(json.dumps(line) + "\n")
