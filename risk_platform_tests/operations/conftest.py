"""The store under test, on a SQLite file and on a real PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from risk_platform.operations.database import database_url
from risk_platform.operations.store import Store
from risk_platform_tests.operations.audit_trails import fill
from risk_platform_tests.operations.postgresql_server import postgresql_server
from risk_platform_tests.services import require_service


@pytest.fixture(scope="session")
def running_postgresql() -> Iterator[str]:
    require_service("postgresql")
    with postgresql_server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of an empty store."""
    if request.param == "sqlite":
        return database_url(None, tmp_path)
    url = database_url(request.getfixturevalue("running_postgresql"), tmp_path)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    return url


@pytest.fixture
def store(store_url: URL) -> Iterator[Store]:
    opened = Store.open(store_url)
    yield opened
    opened.close()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Store]:
    """A SQLite store in `tmp_path` whose audit log has leaves and signed heads."""
    store = Store.open(database_url(None, tmp_path))
    with fill(store, tmp_path):
        pass
    yield store
    store.close()
