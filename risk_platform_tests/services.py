"""The real servers that tests talk to: where they are, and what happens to a test when one is missing."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[1]
NEO4J_JARS = _REPOSITORY / ".services" / "neo4j" / "lib"
S3_SERVER = _REPOSITORY / ".services" / "s3" / "bin" / "moto_server"


@dataclass(frozen=True)
class Service:
    """A server or program of `make services`: its name, how it is found, and the tests that need it."""

    name: str
    is_there: Callable[[], bool]
    tests: str


def _neo4j_is_there() -> bool:
    return shutil.which("java") is not None and (NEO4J_JARS.parent / "pom.xml").is_file()


def _s3_is_there() -> bool:
    return S3_SERVER.is_file()


def _chromium_is_there() -> bool:
    return shutil.which("chromium") is not None


def _curl_is_there() -> bool:
    return shutil.which("curl") is not None


def _redis_is_there() -> bool:
    return shutil.which("redis-server") is not None


def postgresql_programs() -> Path:
    """The folder of the newest server's programs, as Debian lays them out."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql"))


def _postgresql_is_there() -> bool:
    return (postgresql_programs() / "initdb").is_file()


SERVICES = {
    service.name: service
    for service in (
        Service("neo4j", _neo4j_is_there, "the graph export"),
        Service("s3", _s3_is_there, "the lake on an object store"),
        Service("postgresql", _postgresql_is_there, "the operational store in PostgreSQL"),
        Service("redis", _redis_is_there, "API workers that share stream and rates through Redis"),
        Service("curl", _curl_is_there, "the newcomer's walk"),
        Service("chromium", _chromium_is_there, "the pages in a browser"),
    )
}


def missing_services() -> list[Service]:
    """The services that this machine lacks."""
    return [service for service in SERVICES.values() if not service.is_there()]


def require_service(name: str) -> None:
    """Skip the test when the service is missing; fail it where RISK_TEST_REQUIRE_SERVICES=1 asks for it."""
    if SERVICES[name].is_there():
        return
    reason = f"{name} is not installed: run `make services`"
    if os.environ.get("RISK_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
