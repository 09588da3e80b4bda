"""The one partitioning of the platform: business days in RISK_TIMEZONE."""

import dagster as dg

from risk_platform.settings import settings

# The day that runs has its partition from its midnight on: live payments are refreshed while it lasts.
DAILY = dg.DailyPartitionsDefinition(
    start_date=settings().start_date.isoformat(), timezone=settings().timezone, end_offset=1
)
SINGLE_RUN = dg.BackfillPolicy.single_run()
