"""One Neo4j server for all tests of the network, emptied before each."""

from collections.abc import Iterator

import neo4j
import pytest

from risk_platform_tests.network.neo4j_server import Neo4jServer, neo4j_server
from risk_platform_tests.services import require_service


@pytest.fixture(scope="session")
def running_neo4j(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4jServer]:
    require_service("neo4j")
    with neo4j_server(tmp_path_factory.mktemp("neo4j") / "home") as server:
        yield server


@pytest.fixture
def neo4j_database(running_neo4j: Neo4jServer) -> Iterator[neo4j.Driver]:
    server = running_neo4j
    with neo4j.GraphDatabase.driver(server.uri, auth=(server.user, server.password)) as driver:
        driver.execute_query("MATCH (n) DETACH DELETE n")
        yield driver
