"""Live payments in Dagster: when the mart is refreshed, which days are closed, what the inbox sensor asks for."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from risk_platform.defs.ingest.micro_batches import inbox_job, inbox_sensor
from risk_platform.defs.platform import Platform
from risk_platform.defs.schedules import daily_schedule, refresh_schedule
from risk_platform.intake.process import Running
from risk_platform.lake.tables import DECISIONS, RAW_TRANSACTIONS
from risk_platform.settings import Settings
from risk_platform_tests.intake.events import NOW, payments

MORNING = datetime(2026, 6, 2, 1, 30, tzinfo=UTC)


@pytest.fixture
def platform(installation: Settings) -> Platform:
    return Platform(home=str(installation.home))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def drain(platform: Platform, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return inbox_job.execute_in_process(instance=instance, resources={"platform": platform})


def looked(platform: Platform, instance: dg.DagsterInstance) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance, resources={"platform": platform})
    return inbox_sensor.evaluate_tick(context)  # type: ignore[return-value]


def test_the_night_closes_yesterday() -> None:
    context = dg.build_schedule_context(scheduled_execution_time=MORNING)
    request = daily_schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-06-01"


def test_a_micro_batch_is_asked_for_until_the_lake_holds_the_inbox(
    running: Running, platform: Platform, instance: dg.DagsterInstance
) -> None:
    running.engine.submit("payment", payments(1, 30)).result(60)
    asked = looked(platform, instance).run_requests
    tail = running.store.tail().sequence
    assert [request.tags["risk_platform/inbox"] for request in asked or []] == [f"1-{tail}"]
    assert drain(platform, instance).success
    assert not looked(platform, instance).run_requests
    assert platform.lake.read(RAW_TRANSACTIONS).num_rows == 30
    assert platform.lake.read(DECISIONS).num_rows == 30


def test_an_installation_without_an_engine_asks_for_nothing(
    installation: Settings, instance: dg.DagsterInstance
) -> None:
    tick = looked(Platform(home=str(installation.home)), instance)
    assert not tick.run_requests
    assert not (installation.home / "operations.db").exists()


def test_the_mart_is_refreshed_when_it_lacks_live_payments(
    running: Running, platform: Platform, instance: dg.DagsterInstance
) -> None:
    context = dg.build_schedule_context(
        scheduled_execution_time=NOW + timedelta(hours=1), resources={"platform": platform}
    )
    assert isinstance(refresh_schedule(context), dg.SkipReason)
    running.engine.submit("payment", payments(1, 3)).result(60)
    drain(platform, instance)
    request = refresh_schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == date(2026, 5, 31).isoformat()
    assert request.tags["dagster/asset_partition_range_end"] == date(2026, 6, 1).isoformat()
