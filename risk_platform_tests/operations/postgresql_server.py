"""A real PostgreSQL server for the tests: a fresh cluster in a folder of its own, on a free port."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from risk_platform_tests.services import postgresql_programs

_START_SECONDS = 60


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The address of the server's database `postgres`; the server is stopped after the body."""
    programs, port = postgresql_programs(), _free_port()
    folder = Path(mkdtemp(prefix="risk-postgresql-"))
    if os.geteuid() == 0:
        # The server refuses to run as root; Debian's package brings a user for it.
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    subprocess.run(_unprivileged(initdb), check=True, capture_output=True, cwd=folder)
    serve = [
        str(programs / "postgres"),
        "-D",
        str(data),
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-k",
        str(folder),
        "-F",
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(_unprivileged(serve), stdout=log, stderr=log, cwd=folder)
    try:
        _wait(process, programs, port, folder / "server.log")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        # The fast shutdown: it does not wait for clients.
        process.send_signal(signal.SIGINT)
        process.wait()
        shutil.rmtree(folder)


def _unprivileged(command: list[str]) -> list[str]:
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        if os.geteuid() == 0
        else command
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], programs: Path, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.1)
