"""Alerts of fresh history: in the engine's queue, one for each decision, none for what was judged."""

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from risk_platform.intake.history_alerts import raise_for_days
from risk_platform.lake.lake import Lake
from risk_platform.operations.alert_selection import AlertFilter
from risk_platform.operations.alerts import AlertQueue
from risk_platform.operations.database import database_url, open_database
from risk_platform_tests.app.desk_lake import FIRST, LAST, build_desk_lake

NOW = 1_780_000_000_000_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return build_desk_lake(tmp_path_factory.mktemp("fresh") / "lake")


@pytest.fixture
def url(tmp_path: Path) -> URL:
    return database_url(None, tmp_path)


def test_each_decision_alerts_once_however_often_it_is_asked(lake: Lake, url: URL) -> None:
    assert raise_for_days(lake, url, FIRST, LAST, NOW) == 15
    assert raise_for_days(lake, url, FIRST, LAST, NOW + 1) == 0
    database = open_database(url)
    queue = AlertQueue(database).page(AlertFilter(), None, 100)
    assert sorted(alert["sequence"] for alert in queue) == list(range(-15, 0))
    assert {alert["state"] for alert in queue} == {"open"}
    assert {alert["raised_time"] for alert in queue} == {NOW}
    assert {alert["amount_minor"] for alert in queue} == {500_000}
    assert queue[0]["expected_loss"] == pytest.approx(queue[0]["probability"] * 500_000)
    database.dispose()


def test_later_days_go_on_below(lake: Lake, url: URL) -> None:
    first = raise_for_days(lake, url, FIRST, LAST.replace(day=LAST.day - 1), NOW)
    second = raise_for_days(lake, url, FIRST, LAST, NOW)
    assert (first + second, second) == (15, 3)


def test_an_analyst_works_on_them_as_on_any_other(lake: Lake, url: URL) -> None:
    raise_for_days(lake, url, FIRST, LAST, NOW)
    database = open_database(url)
    queue = AlertQueue(database)
    assert queue.acknowledge(-1, "asha", NOW + 5, take_over=False)["assigned_to"] == "asha"
    assert queue.resolve(-1, "asha", NOW + 9, is_fraud=True, note="known mule")["state"] == "resolved"
    assert queue.stats(0)["states"] == {"open": 14, "resolved": 1}
    database.dispose()
