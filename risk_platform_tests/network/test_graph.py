"""The graph's nodes and edges against the same sums done row by row."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_platform.lake.lake import Lake
from risk_platform.lake.session import open_session
from risk_platform.lake.tables import GRAPH_EDGES, GRAPH_NODES, JUDGEMENTS, TRANSACTIONS
from risk_platform.network.graph import GraphCounts, build_graph, graph_edges, graph_nodes
from risk_platform_tests.network.payments import LAST_DAY, NOON, judgements, payments

MULE = [
    {
        "hour": 0,
        "customer_id": "victim",
        "counterparty_id": "mule",
        "counterparty_type": "person",
        "amount_minor": 500,
    },
    {
        "hour": 1,
        "customer_id": "mule",
        "counterparty_id": "5",
        "counterparty_type": "merchant",
        "amount_minor": 300,
    },
    {"hour": 2, "customer_id": "5", "counterparty_id": "5", "counterparty_type": None, "amount_minor": 7},
    {
        "hour": 3,
        "customer_id": "mule",
        "counterparty_id": "mule",
        "counterparty_type": "account",
        "amount_minor": 11,
    },
]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_session(tmp_path / "spill") as session:
        yield session


def test_who_pays_and_is_paid_is_one_node_and_a_merchant_is_never_a_customer(
    session: duckdb.DuckDBPyConnection,
) -> None:
    session.register("transactions", payments(MULE))
    session.register("judgements", judgements([(0, 5, True)]))
    nodes = {node["node_id"]: node for node in graph_nodes(session).read_all().to_pylist()}
    counted = {
        name: (n["payment_count"], n["amount_minor_sum"], n["fraud_count"]) for name, n in nodes.items()
    }
    assert counted == {
        "Customer:victim": (1, 500, 1),
        "Customer:mule": (3, 811, 1),
        "Customer:5": (1, 7, 0),
        "Counterparty:5": (2, 307, 0),
    }
    assert (nodes["Counterparty:5"]["label"], nodes["Counterparty:5"]["entity_id"]) == ("Counterparty", "5")


def test_the_judgement_known_last_decides(session: duckdb.DuckDBPyConnection) -> None:
    session.register("transactions", payments(MULE))
    session.register("judgements", judgements([(0, 9, False), (0, 5, True), (1, 5, True), (1, 5, False)]))
    assert sum(edge["fraud_count"] for edge in graph_edges(session).read_all().to_pylist()) == 0


def test_the_graph_is_replaced_in_the_lake(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.replace_range(TRANSACTIONS, payments(MULE), NOON.date(), LAST_DAY)
    assert build_graph(lake) == GraphCounts(nodes=4, edges=4)
    lake.replace_range(TRANSACTIONS, payments(MULE[:1]), NOON.date(), LAST_DAY)
    assert build_graph(lake) == GraphCounts(nodes=2, edges=1)
    assert lake.read(GRAPH_EDGES)["edge_id"].to_pylist() == ["Customer:victim|PAID|Customer:mule"]
    assert lake.exists(GRAPH_NODES)
    assert not lake.exists(JUDGEMENTS)


_IDENTIFIERS = st.sampled_from(["a", "b", "c|PAID|Customer:d", "%7C", ":", "Device:a", ""])
_PAYMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "hour": st.integers(0, 100),
            "customer_id": _IDENTIFIERS,
            "counterparty_id": st.none() | _IDENTIFIERS,
            "counterparty_type": st.sampled_from([None, "merchant", "person", "account"]),
            "device_id": st.none() | _IDENTIFIERS,
            "instrument_id": st.none() | _IDENTIFIERS,
            "amount_minor": st.integers(1, 10**12),
        }
    ),
    max_size=12,
)
_JUDGEMENTS = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 5), st.booleans()), max_size=12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_PAYMENTS, verdicts=_JUDGEMENTS)
def test_nodes_and_edges_equal_the_sums_done_row_by_row(
    session: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]], verdicts: list[tuple[int, int, bool]]
) -> None:
    session.register("transactions", payments(rows))
    session.register("judgements", judgements(verdicts))
    nodes, edges = graph_nodes(session).read_all(), graph_edges(session).read_all()
    expected_nodes, expected_edges = _by_hand(payments(rows), judgements(verdicts))
    assert {row["node_id"]: _weights(row) for row in nodes.to_pylist()} == expected_nodes
    links = {
        (row["from_node_id"], row["type"], row["to_node_id"]): _weights(row) for row in edges.to_pylist()
    }
    assert links == expected_edges
    assert len(set(edges["edge_id"].to_pylist())) == edges.num_rows == len(expected_edges)


def _weights(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        row[name] for name in ("payment_count", "amount_minor_sum", "fraud_count", "first_seen", "last_seen")
    )


def _by_hand(paid: pa.Table, judged: pa.Table) -> tuple[dict[str, Any], dict[tuple[str, str, str], Any]]:
    verdicts: dict[str, bool] = {}
    for row in sorted(judged.to_pylist(), key=lambda row: (row["known_time"], row["judgement_id"])):
        verdicts[row["transaction_id"]] = row["is_fraud"]
    nodes, edges = defaultdict(list), defaultdict(list)
    for row in paid.to_pylist():
        weight = (row["amount_minor"], verdicts.get(row["transaction_id"], False), row["event_time"])
        payer, links = f"Customer:{row['customer_id']}", _links(row)
        for node in {payer, *links.values()}:
            nodes[node].append(weight)
        for kind, used in links.items():
            edges[payer, kind, used].append(weight)
    return {key: _sums(rows) for key, rows in nodes.items()}, {
        key: _sums(rows) for key, rows in edges.items()
    }


def _links(row: dict[str, Any]) -> dict[str, str]:
    label = "Customer" if row["counterparty_type"] in ("person", "account") else "Counterparty"
    ends = {"PAID": (label, "counterparty_id"), "USED_DEVICE": ("Device", "device_id")}
    ends["USED_INSTRUMENT"] = ("Instrument", "instrument_id")
    return {
        kind: f"{label}:{row[column]}" for kind, (label, column) in ends.items() if row[column] is not None
    }


def _sums(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    amounts, frauds, times = zip(*rows, strict=True)
    return len(rows), sum(amounts), sum(frauds), min(times), max(times)
