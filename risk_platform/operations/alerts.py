"""Alerts: raised in the commit of their decision, then acknowledged and resolved by people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from risk_platform.audit.commitments import Action
from risk_platform.errors import InputError
from risk_platform.operations.audit_log import record_action
from risk_platform.operations.database import writing
from risk_platform.operations.records import Run
from risk_platform.operations.schema import ALERT_STATES, ALERTS

AlertState = Literal["open", "acknowledged", "resolved"]
_DECIDED = ("sequence", "source", "transaction_id", "decision_id", "probability", "score", "level", "advice")
ALERT_ABOUT = ("customer_id", "amount_minor", "currency", "channel")
_STATE = sa.func.coalesce(ALERT_STATES.c.state, "open").label("state")
_JOINED = ALERTS.outerjoin(ALERT_STATES, ALERT_STATES.c.sequence == ALERTS.c.sequence)
_SHOWN = (
    ALERTS,
    _STATE,
    ALERT_STATES.c.assigned_to,
    ALERT_STATES.c.changed_time,
    ALERT_STATES.c.is_fraud,
    ALERT_STATES.c.note,
)


@dataclass(frozen=True)
class AlertPlace:
    """Where an alert stands in the queue: greatest expected loss first, then uncertainty, then age."""

    expected_loss: float
    uncertainty: float
    sequence: int


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are wanted; None leaves it open. Times in µs, the last excluded."""

    state: AlertState | None = None
    level: str | None = None
    customer_id: str | None = None
    channel: str | None = None
    from_time: int | None = None
    to_time: int | None = None


class AlertConflictError(InputError):
    """The alert is in a state that does not allow what was asked."""


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
        query = sa.select(*_SHOWN, unresolved.label("unresolved_of_customer")).select_from(_JOINED)
        query = query.where(*_conditions(wanted), *([] if after is None else [_behind(after)]))
        order = (ALERTS.c.expected_loss.desc(), ALERTS.c.uncertainty.desc(), ALERTS.c.sequence)
        with self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query.order_by(*order).limit(limit))]

    def find(self, sequence: int) -> dict[str, Any] | None:
        """One alert with its state; None when there is none of that number."""
        with self._engine.connect() as connection:
            row = connection.execute(_one(sequence)).first()
        return None if row is None else dict(row._mapping)

    def acknowledge(self, sequence: int, user_id: str, now: int, *, take_over: bool) -> dict[str, Any]:
        """Acknowledge an alert and assign it to the user; repeating it changes nothing.

        Raises AlertConflictError when it is resolved, or another user's and not taken over on purpose, InputError
        when there is none.
        """
        values = {"state": "acknowledged", "assigned_to": user_id, "changed_time": now}
        return self._change(sequence, values, lambda alert: _refuse_taking(alert, user_id, take_over))

    def resolve(
        self, sequence: int, user_id: str, now: int, *, is_fraud: bool, note: str | None
    ) -> dict[str, Any]:
        """Close an alert as fraud or not; resolving it the same way again changes nothing.

        Raises AlertConflictError when it was resolved otherwise or is another user's, InputError when there is none.
        """
        values = {
            "state": "resolved",
            "assigned_to": user_id,
            "changed_time": now,
            "is_fraud": is_fraud,
            "note": note,
        }
        return self._change(sequence, values, lambda alert: refuse_resolving(alert, user_id, is_fraud))

    def stats(self, from_time: int) -> dict[str, dict[str, int]]:
        """Alerts raised from then on (µs): how many in each state, of each level, and with each verdict."""
        verdict = sa.case(
            (ALERT_STATES.c.is_fraud.is_(True), "true_positive"),
            (ALERT_STATES.c.is_fraud.is_(False), "false_positive"),
            else_="undecided",
        )
        columns: dict[str, sa.ColumnElement[str]] = {
            "states": _STATE,
            "levels": ALERTS.c.level,
            "verdicts": verdict,
        }
        counts = {}
        with self._engine.connect() as connection:
            for name, column in columns.items():
                query = sa.select(column, sa.func.count()).select_from(_JOINED)
                rows = connection.execute(query.where(ALERTS.c.raised_time >= from_time).group_by(column))
                counts[name] = {row[0]: row[1] for row in rows}
        return counts

    def _change(
        self, sequence: int, values: dict[str, Any], refuse: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        with writing(self._engine) as connection:
            row = connection.execute(_one(sequence)).first()
            if row is None:
                raise InputError(f"There is no alert {sequence}.")
            refuse(dict(row._mapping))
            same = (row.state, row.assigned_to) == (values["state"], values["assigned_to"])
            if not same and row.state != "resolved":
                _write_state(connection, sequence, values, row.state == "open")
            return dict(connection.execute(_one(sequence)).one()._mapping)


def _write_state(connection: Connection, sequence: int, values: dict[str, Any], is_first: bool) -> None:
    if is_first:
        connection.execute(ALERT_STATES.insert(), {"sequence": sequence, **values})
    else:
        mine = ALERT_STATES.c.sequence == sequence
        connection.execute(ALERT_STATES.update().where(mine).values(**values))
    details = {name: values.get(name) for name in ("is_fraud", "note")}
    name, actor, time = f"alert_{values['state']}", values["assigned_to"], values["changed_time"]
    record_action(connection, Action(name, actor, str(sequence), time, details))


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
    if alert["state"] == "acknowledged" and alert["assigned_to"] != user_id and not take_over:
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


def _one(sequence: int) -> sa.Select[Any]:
    return sa.select(*_SHOWN).select_from(_JOINED).where(ALERTS.c.sequence == sequence)


def _conditions(wanted: AlertFilter) -> Sequence[sa.ColumnElement[bool]]:
    conditions = []
    if wanted.state is not None:
        conditions.append(sa.func.coalesce(ALERT_STATES.c.state, "open") == wanted.state)
    for column, value in (
        (ALERTS.c.level, wanted.level),
        (ALERTS.c.customer_id, wanted.customer_id),
        (ALERTS.c.channel, wanted.channel),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.from_time is not None:
        conditions.append(ALERTS.c.raised_time >= wanted.from_time)
    if wanted.to_time is not None:
        conditions.append(ALERTS.c.raised_time < wanted.to_time)
    return conditions


def _behind(place: AlertPlace) -> sa.ColumnElement[bool]:
    loss, uncertainty, sequence = ALERTS.c.expected_loss, ALERTS.c.uncertainty, ALERTS.c.sequence
    later = sa.or_(
        uncertainty < place.uncertainty,
        sa.and_(uncertainty == place.uncertainty, sequence > place.sequence),
    )
    return sa.or_(loss < place.expected_loss, sa.and_(loss == place.expected_loss, later))
