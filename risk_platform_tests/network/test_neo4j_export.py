"""The graph in a real Neo4j server: equal to the lake, the same when written twice, ids nothing but data."""

from pathlib import Path
from typing import Any

import neo4j
import pytest

from risk_platform.errors import ContractError, ServiceError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import GRAPH_NODES, JUDGEMENTS, TRANSACTIONS
from risk_platform.network.graph import build_graph
from risk_platform.network.neo4j_export import Exported, export_graph
from risk_platform_tests.network.neo4j_server import Neo4jServer
from risk_platform_tests.network.payments import LAST_DAY, NOON, judgements, payments

INJECTION = "x'}) DETACH DELETE n //"
ROWS: list[dict[str, Any]] = [
    {
        "hour": number,
        "customer_id": f"c{number % 7}",
        "counterparty_id": f"m{number % 5}" if number % 2 else f"c{number % 3}",
        "counterparty_type": "merchant" if number % 2 else "person",
        "device_id": None if number % 4 else f"d{number % 6}",
        "instrument_id": f"card {number % 7}",
        "amount_minor": 100 + number,
    }
    for number in range(200)
]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    _fill(lake, ROWS)
    return lake


def _fill(lake: Lake, rows: list[dict[str, Any]]) -> None:
    lake.replace_range(TRANSACTIONS, payments(rows), NOON.date(), LAST_DAY)
    build_graph(lake)


def _export(lake: Lake, server: Neo4jServer, batch_size: int = 10_000) -> Exported:
    return export_graph(lake, server.uri, server.user, server.password, batch_size=batch_size)


def _everything(database: neo4j.Driver) -> tuple[list[Any], list[Any]]:
    nodes, _, _ = database.execute_query(
        "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS held ORDER BY id"
    )
    edges, _, _ = database.execute_query(
        "MATCH (a)-[r]->(b) RETURN elementId(r) AS id, type(r) AS type, a.entity_id AS payer, "
        "b.entity_id AS used, labels(b)[0] AS label, properties(r) AS held ORDER BY id"
    )
    return [record.data() for record in nodes], [record.data() for record in edges]


def test_the_database_equals_the_lake(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    exported = _export(lake, running_neo4j, batch_size=7)
    nodes, edges = _everything(neo4j_database)
    with lake.connect() as session:
        node_rows = session.sql("SELECT * FROM graph_nodes").to_arrow_table().to_pylist()
        edge_rows = session.sql("SELECT * FROM graph_edges").to_arrow_table().to_pylist()
    assert exported == Exported(nodes=len(node_rows), edges=len(edge_rows), other_nodes=0, other_edges=0)
    held = {(n["labels"][0], n["held"]["entity_id"]): _native(n["held"]) for n in nodes}
    assert held == {
        (row["label"], row["entity_id"]): {k: v for k, v in row.items() if k not in ("node_id", "label")}
        for row in node_rows
    }
    linked = {
        f"Customer:{e['payer']}|{e['type']}|{e['label']}:{e['used']}": _native(e["held"]) for e in edges
    }
    weights = ("payment_count", "amount_minor_sum", "fraud_count", "first_seen", "last_seen")
    assert linked == {row["edge_id"]: {name: row[name] for name in weights} for row in edge_rows}


def _native(held: dict[str, Any]) -> dict[str, Any]:
    return {name: value.to_native() if hasattr(value, "to_native") else value for name, value in held.items()}


def test_writing_twice_changes_nothing(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    first = _export(lake, running_neo4j)
    before = _everything(neo4j_database)
    assert _export(lake, running_neo4j) == first
    assert _everything(neo4j_database) == before


def test_a_changed_lake_changes_the_properties_in_place(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    _export(lake, running_neo4j)
    lake.insert_if_absent(JUDGEMENTS, judgements([(1, 50, True)]))
    build_graph(lake)
    _export(lake, running_neo4j)
    records, _, _ = neo4j_database.execute_query(
        "MATCH (:Customer {entity_id: 'c1'})-[r:PAID]->(:Counterparty {entity_id: 'm1'}) "
        "RETURN r.fraud_count AS frauds"
    )
    assert [record["frauds"] for record in records] == [1]


def test_what_the_lake_no_longer_has_is_counted_and_kept(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    all_of_it = _export(lake, running_neo4j)
    _fill(lake, ROWS[:2])
    exported = _export(lake, running_neo4j)
    assert exported.nodes + exported.other_nodes == all_of_it.nodes
    assert exported.edges + exported.other_edges == all_of_it.edges
    assert exported.other_nodes > 0


def test_cypher_in_an_identifier_is_stored_as_data(
    tmp_path: Path, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    lake = Lake(str(tmp_path / "other"))
    row = {
        "hour": 0,
        "customer_id": INJECTION,
        "counterparty_id": INJECTION,
        "device_id": "`",
        "amount_minor": 1,
    }
    _fill(lake, [row])
    assert _export(lake, running_neo4j) == Exported(nodes=3, edges=2, other_nodes=0, other_edges=0)
    records, _, _ = neo4j_database.execute_query(
        "MATCH (n) RETURN labels(n)[0] + ':' + n.entity_id AS name ORDER BY name"
    )
    assert [record["name"] for record in records] == [
        f"Counterparty:{INJECTION}",
        f"Customer:{INJECTION}",
        "Device:`",
    ]


def test_progress_ends_with_everything_written(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    heard: list[tuple[str, int, int]] = []
    server = running_neo4j
    done = export_graph(
        lake,
        server.uri,
        server.user,
        server.password,
        batch_size=10,
        progress=lambda *step: heard.append(step),
    )
    assert ("nodes", done.nodes, done.nodes) in heard
    assert heard[-1] == ("edges", done.edges, done.edges)


def test_an_edge_without_its_node_is_refused(
    lake: Lake, running_neo4j: Neo4jServer, neo4j_database: neo4j.Driver
) -> None:
    lake.replace(GRAPH_NODES, GRAPH_NODES.schema.empty_table())
    with pytest.raises(ContractError, match="name a node that graph_nodes lacks"):
        _export(lake, running_neo4j)


def test_a_wrong_password_is_one_sentence(lake: Lake, running_neo4j: Neo4jServer) -> None:
    with pytest.raises(ServiceError, match="refuses the user or password; set RISK_NEO4J_USER"):
        export_graph(lake, running_neo4j.uri, "neo4j", "wrong")


def test_no_server_is_one_sentence(lake: Lake) -> None:
    with pytest.raises(
        ServiceError, match=r"^Neo4j at bolt://.* cannot be reached .* correct RISK_NEO4J_URI.$"
    ):
        export_graph(lake, "bolt://127.0.0.1:1", "neo4j", "secret")


@pytest.mark.parametrize("uri", ["nonsense", "http://127.0.0.1:7474", ""])
def test_another_address_than_bolt_is_refused(lake: Lake, uri: str) -> None:
    with pytest.raises(ServiceError, match="is not a Bolt address such as bolt://localhost:7687"):
        export_graph(lake, uri, "neo4j", "secret")
