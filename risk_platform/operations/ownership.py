"""Who may write: one engine per store, for as long as it lives and not a moment longer."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from risk_platform.errors import ServiceError

# Any number, as long as it is always the same one.
_ADVISORY_KEY = 7_215_341_086


@contextmanager
def owned(engine: Engine) -> Iterator[Connection]:
    """A connection that alone may write to the store; a second owner is refused with a ServiceError.

    The lock is the operating system's (SQLite) or the server session's (PostgreSQL), so it goes when its
    process dies, however it dies. PostgreSQL's lives in the very connection that writes: who has lost it
    cannot commit.
    """
    if engine.dialect.name == "sqlite":
        with _locked(Path(f"{engine.url.database}.lock")), engine.connect() as connection:
            yield connection.execution_options(writes=True)
        return
    with engine.connect() as connection:
        taken: bool = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_ADVISORY_KEY})").scalar_one()
        connection.commit()
        if not taken:
            raise _refusal("another process")
        try:
            yield connection
        finally:
            # Back in the pool, the session would keep the lock for as long as the process lives.
            connection.invalidate()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "another process"
            raise _refusal(f"process {owner}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _refusal(owner: str) -> ServiceError:
    return ServiceError(f"The operational store belongs to a running engine ({owner}); stop that one first.")
