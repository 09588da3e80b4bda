"""A real Neo4j Community server for the tests: an empty database in a folder of its own, on a free port."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import neo4j
from neo4j.exceptions import DriverError, Neo4jError

from risk_platform_tests.services import NEO4J_JARS

_OPENS = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.nio", "java.io", "sun.nio.ch")]
_START_SECONDS = 120


@dataclass(frozen=True)
class Neo4jServer:
    """Where a running server listens, and who may enter."""

    uri: str
    user: str
    password: str


@contextmanager
def neo4j_server(home: Path) -> Iterator[Neo4jServer]:
    """A server with its data in `home`, up when the body runs and stopped after it."""
    server = Neo4jServer(f"bolt://127.0.0.1:{_free_port()}", "neo4j", "a test password")
    configuration = home / "conf"
    configuration.mkdir(parents=True)
    (configuration / "neo4j.conf").write_text(
        f"server.bolt.listen_address={server.uri.removeprefix('bolt://')}\n"
        "server.http.enabled=false\n"
        "server.memory.heap.max_size=512m\n"
        "server.memory.pagecache.size=128m\n"
        "dbms.usage_report.enabled=false\n"
    )
    folders = {"NEO4J_HOME": str(home), "NEO4J_CONF": str(configuration)}
    environment = os.environ | folders
    java = ["java", "-Xmx512m", *_OPENS, "-cp", f"{NEO4J_JARS}/*"]
    password = ["org.neo4j.cli.AdminTool", "dbms", "set-initial-password", server.password]
    subprocess.run([*java, *password], env=environment, check=True, capture_output=True)
    main = ["org.neo4j.server.CommunityEntryPoint", f"--home-dir={home}", f"--config-dir={configuration}"]
    with (home / "console.log").open("wb") as log:
        process = subprocess.Popen([*java, *main], env=environment, stdout=log, stderr=log)
    try:
        _wait_for_bolt(server, process, home / "console.log")
        yield server
    finally:
        # Nobody reads its data again, so it need not be shut down in good order.
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_bolt(server: Neo4jServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with neo4j.GraphDatabase.driver(server.uri, auth=(server.user, server.password)) as driver:
        while True:
            try:
                driver.verify_connectivity()
            except (DriverError, Neo4jError):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Neo4j did not start:\n{log.read_text()}") from None
                time.sleep(0.5)
            else:
                return
