"""The database behind the store: a SQLite file by default, PostgreSQL by its address, migrated when opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url

from risk_platform.errors import ServiceError, SettingsError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30
# Any number, as long as it is always the same one.
_MIGRATION_KEY = 7_215_341_087
# An acknowledged event must survive a power cut: in WAL mode only FULL syncs the log at each commit.
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}",
    "PRAGMA cache_size=-131072",
    "PRAGMA wal_autocheckpoint=16384",
)


def database_url(address: str | None, home: Path) -> URL:
    """The address of the store: `address`, or the SQLite file in `home` where none is set.

    Raises SettingsError when it is neither a PostgreSQL nor a SQLite address.
    """
    if address is None:
        return URL.create("sqlite", database=str(home / "operations.db"))
    try:
        url = make_url(address)
    except sa.exc.ArgumentError as error:
        raise SettingsError(
            "RISK_DATABASE_URL is no address; write one such as postgresql://user:password@host/database."
        ) from error
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url
    raise SettingsError(f"RISK_DATABASE_URL names {backend}; the store is a PostgreSQL or a SQLite file.")


def open_database(url: URL) -> Engine:
    """An engine on the database; raises ServiceError when it cannot be reached."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        engine.connect().close()
    except sa.exc.DBAPIError as error:
        shown = url.render_as_string(hide_password=True)
        reason = str(error.orig).strip().splitlines()[0]
        raise ServiceError(f"The operational store {shown} cannot be opened: {reason}.") from error
    return engine


def migrate(connection: Connection) -> None:
    """Bring the tables to the form of this version, within the transaction of `connection`.

    On SQLite it is one that `writing` began; PostgreSQL lets one process migrate at a time.
    """
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_KEY})")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A short transaction that reads and then writes; on SQLite it takes its turn before it reads."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def reading_once(engine: Engine) -> Engine:
    """The same database for connections whose every SELECT stands alone: on SQLite they begin no transaction."""
    return engine.execution_options(reads_once=True)


def bring_up_to_date(engine: Engine) -> None:
    """Bring the tables to the form of this version, whether an engine runs or none ever did."""
    with writing(engine) as connection:
        migrate(connection)


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver would begin transactions by itself, at the first write only.
    connection.isolation_level = None
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reads_once", False):
        # A transaction that reads before it writes cannot wait for another writer: its snapshot would be old.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")
