"""The schedules of a production installation, in RISK_TIMEZONE."""

from datetime import date, datetime, timedelta

import dagster as dg
import pyarrow.compute as pc

from risk_platform.defs.jobs import daily_job, parity_job, refresh_job, training_job
from risk_platform.defs.maintenance import compaction_job
from risk_platform.defs.platform import Platform, partition_range_tags
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import PAYMENT_FEATURES, RAW_TRANSACTIONS
from risk_platform.settings import settings

_ZONE = settings().timezone


# Half past one leaves late files of the day time to land before it is closed.
@dg.schedule(
    job=daily_job,
    cron_schedule="30 1 * * *",
    execution_timezone=_ZONE,
    description="Makes yesterday, every night.",
)
def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """The business day that ended."""
    yesterday = _moment(context).date() - timedelta(days=1)
    if yesterday < settings().start_date:
        return dg.SkipReason(f"{yesterday} is before RISK_START_DATE.")
    return dg.RunRequest(partition_key=yesterday.isoformat())


@dg.schedule(
    job=refresh_job,
    cron_schedule="5 * * * *",
    execution_timezone=_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Refreshes the features of live payments, every hour in which any was drained.",
)
def refresh_schedule(
    context: dg.ScheduleEvaluationContext, platform: Platform
) -> dg.RunRequest | dg.SkipReason:
    """The days that a live payment can still be of: it may be late by RISK_LATE_TOLERANCE."""
    moment = _moment(context)
    first = max((moment - settings().late_tolerance).date(), settings().start_date)
    lake = platform.lake
    if _rows(lake, RAW_TRANSACTIONS, first) == _rows(lake, PAYMENT_FEATURES, first):
        return dg.SkipReason(f"The mart holds every payment since {first}.")
    return dg.RunRequest(tags=partition_range_tags(first, moment.date()))


training_schedule = dg.ScheduleDefinition(
    name="training_schedule",
    job=training_job,
    cron_schedule="0 3 * * 1",
    execution_timezone=_ZONE,
    description="Trains a challenger every Monday.",
)
parity_schedule = dg.ScheduleDefinition(
    name="parity_schedule",
    job=parity_job,
    cron_schedule="0 5 * * *",
    execution_timezone=_ZONE,
    description="Proves every morning that engine and mart agree on the last closed day.",
)
compaction_schedule = dg.ScheduleDefinition(
    name="compaction_schedule",
    job=compaction_job,
    cron_schedule="45 2 * * *",
    execution_timezone=_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Merges the many small files that micro-batches leave, every night.",
)


def _moment(context: dg.ScheduleEvaluationContext) -> datetime:
    """When the schedule was due, in RISK_TIMEZONE."""
    return context.scheduled_execution_time.astimezone(settings().zone)


def _rows(lake: Lake, table: Table, first: date) -> int:
    count: int = lake.dataset(table).count_rows(filter=pc.field("event_date") >= first)
    return count
