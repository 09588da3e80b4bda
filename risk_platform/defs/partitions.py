"""The one partitioning of the platform: business days in RISK_TIMEZONE."""

import dagster as dg

from risk_platform.settings import settings

DAILY = dg.DailyPartitionsDefinition(
    start_date=settings().start_date.isoformat(), timezone=settings().timezone
)
SINGLE_RUN = dg.BackfillPolicy.single_run()
