"""The schedules of a production installation, in RISK_TIMEZONE."""

import dagster as dg

from risk_platform.defs.jobs import daily_job, parity_job, training_job
from risk_platform.settings import settings

# Half past one leaves late files of the day time to land before it is closed.
daily_schedule = dg.build_schedule_from_partitioned_job(
    daily_job, hour_of_day=1, minute_of_hour=30, description="Makes yesterday, every night."
)
training_schedule = dg.ScheduleDefinition(
    name="training_schedule",
    job=training_job,
    cron_schedule="0 3 * * 1",
    execution_timezone=settings().timezone,
    description="Trains a challenger every Monday.",
)
parity_schedule = dg.ScheduleDefinition(
    name="parity_schedule",
    job=parity_job,
    cron_schedule="0 5 * * *",
    execution_timezone=settings().timezone,
    description="Proves every morning that engine and mart agree on the last closed day.",
)
