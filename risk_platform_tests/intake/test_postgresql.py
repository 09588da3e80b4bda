"""The engine on a real PostgreSQL server, through the same ways as on the SQLite file."""

from risk_platform.home import Home
from risk_platform.intake.draining import InboxDrain
from risk_platform.intake.live_feeder import LiveFeeder
from risk_platform.intake.process import running_engine
from risk_platform.lake.lake import Lake
from risk_platform.operations.database import database_url
from risk_platform.operations.presence import has_inbox
from risk_platform.settings import Settings
from risk_platform_tests.intake.events import NOW, payment, payments
from risk_platform_tests.intake.live_folder import drop
from risk_platform_tests.operations.postgresql_server import postgresql_server
from risk_platform_tests.services import require_service


def test_an_engine_on_postgresql_restarts_to_the_same_state(home: Home) -> None:
    require_service("postgresql")
    with postgresql_server() as address:
        installation = Settings(_env_file=None, home=home.root, database_url=address)  # type: ignore[call-arg]
        with running_engine(installation, home, lambda: NOW, lambda _: None) as running:
            first = running.engine.submit("payment", payments(1, 60)).result(60).answers()
            before = running.engine.quietly(lambda core: core.features.state_hash()).result(60)
        with running_engine(installation, home, lambda: NOW, lambda _: None) as running:
            assert running.replayed == running.store.tail().sequence
            assert running.engine.quietly(lambda core: core.features.state_hash()).result(60) == before
            again = (
                running.engine.submit("payment", [payment(9), payment(8, amount_minor=1)])
                .result(60)
                .answers()
            )
    assert again[0] == first[8] | {"status": "duplicate"}
    assert again[1]["rule"] == "conflicting_body"
    assert not (home.root / "operations.db").exists()


def test_live_files_and_micro_batches_on_postgresql(home: Home) -> None:
    require_service("postgresql")
    lake = Lake(str(home.root / "lake"))
    with postgresql_server() as address:
        installation = Settings(_env_file=None, home=home.root, database_url=address)  # type: ignore[call-arg]
        url = database_url(address, home.root)
        assert not has_inbox(url)
        with running_engine(installation, home, lambda: NOW, lambda _: None) as running:
            for name in ("one.csv", "two.csv"):
                drop(home, "canonical", name, [*payments(1, 300), payment(301, channel="PIGEON")])
                files = running.store.live_files()
                LiveFeeder(home, files, running.engine, lambda: NOW, lambda _: None).look()
            [taken] = files.finished(0)
            drain = InboxDrain(running.store, lake)
            drained = drain.drain_events()
            assert drain.drain_files(files) == 1
            assert drain.drain_decisions(NOW).inserted == drained["raw_transactions"].inserted == 300
            assert drain.waiting().is_empty
        assert has_inbox(url)
    assert (taken.lines_done, taken.accepted, taken.refused) == (301, 300, 1)
