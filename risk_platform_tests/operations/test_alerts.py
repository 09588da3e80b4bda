"""Whose alerts are, on both databases: given, taken, given back, counted, and what of it is proved."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from risk_platform.operations import migrations
from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.alert_selection import AlertFilter, AssignedTo
from risk_platform.operations.alerts import AlertConflictError, AlertQueue, AssigneeCount
from risk_platform.operations.audit_pages import leaves_before
from risk_platform.operations.batch_alerts import raise_alerts
from risk_platform.operations.database import bring_up_to_date, migrate, open_database, writing
from risk_platform.operations.schema import AUDIT_DETAILS

_MIGRATIONS = Path(str(migrations.__file__)).parent
NOW = 1_780_000_000_000_000


@pytest.fixture
def database(store_url: URL) -> Iterator[Engine]:
    """A store with the alerts -1, -2 and -3, the first with the most at stake."""
    opened = open_database(store_url)
    bring_up_to_date(opened)
    assert raise_alerts(opened, [alert(number) for number in (3, 2, 1)], NOW) == 3
    yield opened
    opened.dispose()


def alert(number: int) -> dict[str, Any]:
    """What a decision gives to an alert, worth that many rupees."""
    named = {"source": "upi", "transaction_id": f"T{number}", "decision_id": f"D{number}"}
    judged = {"probability": 0.5, "score": 0.9, "level": "HIGH", "advice": "hold"}
    about = {"customer_id": "C1", "amount_minor": number * 100, "currency": "INR", "channel": "UPI"}
    return named | judged | about


def user(database: Engine, name: str) -> str:
    """user_id of a new Analyst."""
    return Accounts(database).add(f"{name}@example.com", "hash", Role.ANALYST, NOW, "test").user_id


def numbers(queue: AlertQueue, **wanted: Any) -> list[int]:
    return [row["sequence"] for row in queue.page(AlertFilter(**wanted), None, 10)]


def test_an_alert_is_given_to_somebody_and_back(database: Engine) -> None:
    queue, asha = AlertQueue(database), user(database, "asha")
    given = queue.assign(-1, asha, "lead", NOW + 1)
    assert (given["state"], given["assigned_to"]) == ("open", asha)
    assert given["assignee_email"] == "asha@example.com"
    assert queue.assign(-1, asha, "lead", NOW + 2) == given
    assert queue.acknowledge(-1, asha, NOW + 3, take_over=False)["state"] == "acknowledged"
    assert queue.assign(-1, asha, "lead", NOW + 4)["state"] == "acknowledged"
    back = queue.assign(-1, None, asha, NOW + 5)
    assert (back["state"], back["assigned_to"], back["assignee_email"]) == ("open", None, None)
    assert back["changed_time"] == NOW + 5


def test_what_was_given_to_one_is_open_and_not_anothers(database: Engine) -> None:
    queue = AlertQueue(database)
    queue.acknowledge(-1, "asha", NOW, take_over=False)
    assert queue.assign(-1, "ravi", "asha", NOW)["state"] == "open"
    with pytest.raises(AlertConflictError, match="another user's"):
        queue.acknowledge(-1, "asha", NOW, take_over=False)
    with pytest.raises(AlertConflictError, match="another user's"):
        queue.resolve(-1, "asha", NOW, is_fraud=True, note=None)
    assert queue.acknowledge(-1, "asha", NOW, take_over=True)["assigned_to"] == "asha"


def test_a_resolved_alert_is_given_to_nobody(database: Engine) -> None:
    queue = AlertQueue(database)
    resolved = queue.resolve(-1, "asha", NOW, is_fraud=True, note=None)
    with pytest.raises(AlertConflictError, match="resolved already"):
        queue.assign(-1, "ravi", "asha", NOW)
    assert queue.find(-1) == resolved


def test_alerts_of_one_of_nobody_and_their_counts(database: Engine) -> None:
    queue, asha = AlertQueue(database), user(database, "asha")
    queue.assign(-1, asha, asha, NOW)
    queue.acknowledge(-2, asha, NOW, take_over=False)
    assert numbers(queue, assignee=AssignedTo(asha)) == [-1, -2]
    assert numbers(queue, assignee=AssignedTo(asha), state="open") == [-1]
    assert numbers(queue, assignee=AssignedTo(None)) == [-3]
    assert queue.assignee_counts(0) == [
        AssigneeCount(None, None, open=1, acknowledged=0, resolved=0),
        AssigneeCount(asha, "asha@example.com", open=1, acknowledged=1, resolved=0),
    ]
    queue.assign(-1, None, asha, NOW)
    queue.resolve(-2, asha, NOW, is_fraud=False, note=None)
    assert numbers(queue, assignee=AssignedTo(None)) == [-1, -3]
    assert queue.assignee_counts(0) == [
        AssigneeCount(None, None, open=2, acknowledged=0, resolved=0),
        AssigneeCount(asha, "asha@example.com", open=0, acknowledged=0, resolved=1),
    ]
    assert queue.assignee_counts(NOW + 1) == []


def test_each_change_is_a_leaf_and_nothing_else_is(database: Engine) -> None:
    queue = AlertQueue(database)
    before = len(leaves_before(database, None, 100))
    queue.assign(-1, "asha", "lead", NOW + 1)
    queue.assign(-1, "asha", "lead", NOW + 2)
    queue.assign(-1, None, "asha", NOW + 3)
    queue.resolve(-1, "ravi", NOW + 4, is_fraud=True, note=None)
    with pytest.raises(AlertConflictError):
        queue.assign(-1, "asha", "lead", NOW + 5)
    leaves = leaves_before(database, None, 100)[: -before or None][::-1]
    assert [(leaf.entry["action"], leaf.entry["actor"], leaf.entry["time"]) for leaf in leaves] == [
        ("alert_assigned", "lead", NOW + 1),
        ("alert_assigned", "asha", NOW + 3),
        ("alert_resolved", "ravi", NOW + 4),
    ]
    assert {leaf.entry["subject"] for leaf in leaves} == {"-1"}
    with database.connect() as connection:
        kept = sa.select(AUDIT_DETAILS.c.details).where(AUDIT_DETAILS.c.position == leaves[0].position)
        assert orjson.loads(connection.execute(kept).scalar_one()) == {"assigned_to": "asha"}


def test_of_many_who_take_an_alert_at_once_one_gets_it(database: Engine) -> None:
    queue, together, outcomes = AlertQueue(database), threading.Barrier(8), list[str]()

    def take(name: str) -> None:
        together.wait()
        try:
            outcomes.append(str(queue.acknowledge(-1, name, NOW, take_over=False)["assigned_to"]))
        except AlertConflictError:
            outcomes.append("refused")

    threads = [threading.Thread(target=take, args=(f"analyst{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = queue.find(-1)
    assert found is not None
    assert sorted(outcomes) == sorted([found["assigned_to"], *["refused"] * 7])


def test_alerts_of_an_older_store_keep_their_owners(store_url: URL) -> None:
    from alembic import command
    from alembic.config import Config

    database = open_database(store_url)
    with writing(database) as connection:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005_claim_holders")
        connection.exec_driver_sql(
            "INSERT INTO alert_states (sequence, state, assigned_to, changed_time, is_fraud, note) "
            "VALUES (7, 'resolved', 'asha', 11, true, 'a mule')"
        )
    with writing(database) as connection:
        migrate(connection)
        found = connection.exec_driver_sql("SELECT * FROM alert_states").one()
    database.dispose()
    assert tuple(found) == (7, "resolved", "asha", 11, True, "a mule")
