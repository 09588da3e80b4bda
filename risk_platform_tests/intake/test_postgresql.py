"""The engine on a real PostgreSQL server, through the same ways as on the SQLite file."""

from risk_platform.home import Home
from risk_platform.intake.process import running_engine
from risk_platform.settings import Settings
from risk_platform_tests.intake.events import NOW, payment, payments
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
