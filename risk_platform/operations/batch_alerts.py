"""Alerts on decisions of history: in the same queue as the engine's, one for each decision."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.audit.commitments import Action
from risk_platform.operations.alerts import ranked
from risk_platform.operations.audit_log import record_action
from risk_platform.operations.database import writing
from risk_platform.operations.schema import ALERTS

_BY = "batch"
# Bound values of one question to the store.
_AT_ONCE = 500


def raise_alerts(engine: Engine, alerts: Sequence[Mapping[str, Any]], now: int) -> int:
    """Raise the alerts whose decision has none, at `now` (µs); returns how many.

    They have the columns of `alerts` that a decision and its payment give. History has no sequence: these are
    numbered downwards from -1.
    """
    with writing(engine) as connection:
        known = _known(connection, [alert["decision_id"] for alert in alerts])
        fresh = [alert for alert in alerts if alert["decision_id"] not in known]
        if not fresh:
            return 0
        last = connection.execute(sa.select(sa.func.min(ALERTS.c.sequence))).scalar_one_or_none()
        below = min(last or 0, 0)
        rows = [
            ranked({**alert, "sequence": below - at, "raised_time": now}) for at, alert in enumerate(fresh, 1)
        ]
        connection.execute(ALERTS.insert(), rows)
        subject = f"{rows[0]['sequence']} to {rows[-1]['sequence']}"
        record_action(connection, Action("alerts_raised", _BY, subject, now, {"alerts": len(rows)}))
    return len(rows)


def _known(connection: Connection, decision_ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(decision_ids), _AT_ONCE):
        wanted = ALERTS.c.decision_id.in_(decision_ids[start : start + _AT_ONCE])
        known.update(connection.execute(sa.select(ALERTS.c.decision_id).where(wanted)).scalars())
    return known
