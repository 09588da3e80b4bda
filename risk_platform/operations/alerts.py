"""Alerts: raised in the commit of their decision, then assigned, acknowledged and resolved by people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.audit.commitments import Action
from risk_platform.errors import InputError
from risk_platform.operations.alert_selection import (
    QUEUE_ORDER,
    SHOWN,
    STATE,
    WITH_PEOPLE,
    WITH_STATES,
    AlertFilter,
    AlertPlace,
    behind,
    conditions,
    one_alert,
)
from risk_platform.operations.audit_log import record_action
from risk_platform.operations.database import writing
from risk_platform.operations.records import Run
from risk_platform.operations.schema import ALERT_STATES, ALERTS, USERS

_DECIDED = ("sequence", "source", "transaction_id", "decision_id", "probability", "score", "level", "advice")
ALERT_ABOUT = ("customer_id", "amount_minor", "currency", "channel")


class AlertConflictError(InputError):
    """The alert is in a state that does not allow what was asked."""


@dataclass(frozen=True)
class AssigneeCount:
    """How many alerts of each state somebody has; nobody for None, whose resolved ones there are none of."""

    user_id: str | None
    email: str | None
    open: int
    acknowledged: int
    resolved: int


class AlertQueue:
    """The alerts of an installation, for any process beside the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, wanted: AlertFilter, after: AlertPlace | None, limit: int) -> list[dict[str, Any]]:
        """The next alerts behind `after` in the order of the queue, each with the open ones of its customer."""
        others = ALERTS.alias()
        states = ALERT_STATES.alias()
        unresolved = (
            sa.select(sa.func.count())
            .select_from(others.outerjoin(states, states.c.sequence == others.c.sequence))
            .where(others.c.customer_id == ALERTS.c.customer_id)
            .where(sa.func.coalesce(states.c.state, "open") != "resolved")
            .correlate(ALERTS)
            .scalar_subquery()
        )
        query = sa.select(*SHOWN, unresolved.label("unresolved_of_customer")).select_from(WITH_PEOPLE)
        query = query.where(*conditions(wanted), *([] if after is None else [behind(after)]))
        query = query.order_by(*QUEUE_ORDER).limit(limit)
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def find(self, sequence: int) -> dict[str, Any] | None:
        """One alert with its state; None when there is none of that number."""
        with self._engine.connect() as connection:
            row = connection.execute(one_alert(sequence)).first()
        return None if row is None else dict(row._mapping)

    def acknowledge(self, sequence: int, user_id: str, now: int, *, take_over: bool) -> dict[str, Any]:
        """Acknowledge an alert and assign it to the user; repeating it changes nothing.

        Raises AlertConflictError when it is resolved, or another user's and not taken over on purpose, InputError
        when there is none.
        """

        def is_news(alert: Mapping[str, Any]) -> bool:
            _refuse_taking(alert, user_id, take_over)
            return (alert["state"], alert["assigned_to"]) != ("acknowledged", user_id)

        state = {"state": "acknowledged", "assigned_to": user_id, "changed_time": now}
        details = {"is_fraud": None, "note": None}
        return self._change(
            state, Action("alert_acknowledged", user_id, str(sequence), now, details), is_news
        )

    def assign(self, sequence: int, assignee: str | None, by: str, now: int) -> dict[str, Any]:
        """Give an alert to a user, or to nobody; it is open until its new owner acknowledges it.

        Whose it is already, theirs it stays as it is. Raises AlertConflictError when it is resolved, InputError
        when there is none.
        """

        def is_news(alert: Mapping[str, Any]) -> bool:
            refuse_assigning(alert)
            return bool(alert["assigned_to"] != assignee)

        state = {"state": "open", "assigned_to": assignee, "changed_time": now}
        details = {"assigned_to": assignee}
        return self._change(state, Action("alert_assigned", by, str(sequence), now, details), is_news)

    def resolve(
        self, sequence: int, user_id: str, now: int, *, is_fraud: bool, note: str | None
    ) -> dict[str, Any]:
        """Close an alert as fraud or not; resolving it the same way again changes nothing.

        Raises AlertConflictError when it was resolved otherwise or is another user's, InputError when there is none.
        """

        def is_news(alert: Mapping[str, Any]) -> bool:
            refuse_resolving(alert, user_id, is_fraud)
            return bool(alert["state"] != "resolved")

        details = {"is_fraud": is_fraud, "note": note}
        state = {"state": "resolved", "assigned_to": user_id, "changed_time": now, **details}
        return self._change(state, Action("alert_resolved", user_id, str(sequence), now, details), is_news)

    def stats(self, from_time: int) -> dict[str, dict[str, int]]:
        """Alerts raised from then on (µs): how many in each state, of each level, and with each verdict."""
        verdict = sa.case(
            (ALERT_STATES.c.is_fraud.is_(True), "true_positive"),
            (ALERT_STATES.c.is_fraud.is_(False), "false_positive"),
            else_="undecided",
        )
        columns: dict[str, sa.ColumnElement[str]] = {
            "states": STATE,
            "levels": ALERTS.c.level,
            "verdicts": verdict,
        }
        counts = {}
        with self._engine.connect() as connection:
            for name, column in columns.items():
                query = sa.select(column, sa.func.count()).select_from(WITH_STATES)
                rows = connection.execute(query.where(ALERTS.c.raised_time >= from_time).group_by(column))
                counts[name] = {row[0]: row[1] for row in rows}
        return counts

    def assignee_counts(self, from_time: int) -> list[AssigneeCount]:
        """Alerts raised from then on (µs) by whose they are, nobody's first."""
        states = ("open", "acknowledged", "resolved")
        counts = [sa.func.count().filter(STATE.element == state).label(state) for state in states]
        owner = (ALERT_STATES.c.assigned_to, USERS.c.email)
        query = sa.select(owner[0].label("user_id"), owner[1], *counts).select_from(WITH_PEOPLE)
        query = query.where(ALERTS.c.raised_time >= from_time).group_by(*owner)
        with self._engine.connect() as connection:
            found = [AssigneeCount(**row._mapping) for row in connection.execute(query)]
        return sorted(found, key=lambda each: (each.email or "", each.user_id or ""))

    def _change(
        self, state: Mapping[str, Any], action: Action, is_news: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any]:
        """The alert that the action is about, in its new state where that `is_news`."""
        sequence = int(action.subject)
        of_alert = ALERTS.c.sequence == sequence
        with writing(self._engine) as connection:
            # Where several write at once the alert is taken first: what is read of it then stays so.
            if (
                connection.execute(sa.select(ALERTS.c.level).where(of_alert).with_for_update()).first()
                is None
            ):
                raise InputError(f"There is no alert {sequence}.")
            alert = dict(connection.execute(one_alert(sequence)).one()._mapping)
            if not is_news(alert):
                return alert
            _write_state(connection, sequence, state, is_first=alert["changed_time"] is None)
            record_action(connection, action)
            return dict(connection.execute(one_alert(sequence)).one()._mapping)


def _write_state(connection: Connection, sequence: int, state: Mapping[str, Any], *, is_first: bool) -> None:
    if is_first:
        connection.execute(ALERT_STATES.insert(), {"sequence": sequence, **state})
    else:
        mine = ALERT_STATES.c.sequence == sequence
        connection.execute(ALERT_STATES.update().where(mine).values(**state))


def refuse_assigning(alert: Mapping[str, Any]) -> None:
    """Raise AlertConflictError when the alert cannot be given to anybody any more."""
    if alert["state"] == "resolved":
        raise AlertConflictError("The alert is resolved already; nobody has to work on it.")


def refuse_resolving(alert: Mapping[str, Any], user_id: str, is_fraud: bool) -> None:
    """Raise AlertConflictError when the user may not resolve the alert that way."""
    if alert["state"] == "resolved":
        if alert["is_fraud"] is not is_fraud:
            raise AlertConflictError("The alert is resolved already; a later judgement may overrule it.")
        return
    _refuse_taking(alert, user_id, False)


def _refuse_taking(alert: Mapping[str, Any], user_id: str, take_over: bool) -> None:
    if alert["state"] == "resolved":
        raise AlertConflictError("The alert is resolved already; there is nothing to take.")
    if alert["assigned_to"] not in (None, user_id) and not take_over:
        raise AlertConflictError("The alert is another user's; acknowledge it with take_over first.")


def alert_rows(run: Run, decisions: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows of `alerts` for a run of payments: one for each decision that raised one.

    Where the model did not judge, its score stands in for the probability of the expected loss.
    """
    alerts = decisions.select(list(_DECIDED)).filter(decisions.column("alerted")).to_pylist()
    return [_row(alert, run) for alert in alerts]


def _row(alert: dict[str, Any], run: Run) -> dict[str, Any]:
    at = alert["sequence"] - run.sequence
    body = orjson.loads(run.events.lines[at])
    about = {name: body.get(name) for name in ALERT_ABOUT}
    return ranked(alert | about | {"raised_time": run.known_time + at})


def ranked(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The alert with what its place in the queue is made of."""
    chance = alert["score"] if alert["probability"] is None else alert["probability"]
    loss = chance * (alert["amount_minor"] or 0)
    return {**alert, "expected_loss": loss, "uncertainty": chance * (1 - chance)}
