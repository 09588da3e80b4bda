"""Alerts that decisions of history would have raised: what an analyst is to look at of fresh history."""

from datetime import date
from typing import Any

from sqlalchemy.engine import URL

from risk_platform.lake.lake import Lake
from risk_platform.operations.batch_alerts import raise_alerts
from risk_platform.operations.database import bring_up_to_date, open_database

_QUERY = """
    select d.decision_id, d.source, d.transaction_id, d.probability, d.score, d.level, d.advice,
        t.customer_id, t.amount_minor, t.currency, t.channel
    from decisions as d
    join transactions as t using (source, transaction_id, event_date)
    anti join judgements using (source, transaction_id)
    where d.alerted and d.decided_by = 'batch' and d.event_date between ? and ?
    order by d.event_time, d.source, d.transaction_id
"""


def raise_for_days(lake: Lake, url: URL, first: date, last: date, now: int) -> int:
    """Raise what the batch decisions of those days alert, at `now` (µs); returns how many alerts are new.

    A payment that somebody judged already asks for nobody's attention. Doing it again raises nothing twice.
    """
    with lake.connect() as session:
        rows: list[dict[str, Any]] = session.sql(_QUERY, params=[first, last]).to_arrow_table().to_pylist()
    database = open_database(url)
    try:
        bring_up_to_date(database)
        return raise_alerts(database, rows, now)
    finally:
        database.dispose()
