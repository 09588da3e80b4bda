"""The entity graph of the payments: who paid whom, on which device, with which instrument."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import GRAPH_EDGES, GRAPH_NODES

_BATCH_ROWS = 65_536

# Customers, persons and accounts share one id space, so that a mule who is paid and pays on is one node.
# Merchants, and payees of unknown type, have a space of their own: terminal 5 is not customer 5.
_PAYMENTS = """
latest_judgements AS (
    SELECT source, transaction_id, last(is_fraud ORDER BY known_time, judgement_id) AS is_fraud
    FROM judgements
    GROUP BY source, transaction_id
),
payments AS (
    SELECT
        'Customer:' || customer_id AS payer,
        CASE WHEN counterparty_type IN ('person', 'account') THEN 'Customer:' ELSE 'Counterparty:' END
            || counterparty_id AS payee,
        'Device:' || device_id AS device,
        'Instrument:' || instrument_id AS instrument,
        amount_minor,
        event_time,
        coalesce(is_fraud, false) AS is_fraud
    FROM transactions
    LEFT JOIN latest_judgements USING (source, transaction_id)
)"""

_WEIGHTS = """
        count(*) AS payment_count,
        sum(amount_minor)::BIGINT AS amount_minor_sum,
        count(*) FILTER (is_fraud) AS fraud_count,
        min(event_time) AS first_seen,
        max(event_time) AS last_seen"""

_NODES = f"""
WITH {_PAYMENTS},
parts AS (
    SELECT payer AS node_id, amount_minor, event_time, is_fraud FROM payments
    UNION ALL
    SELECT payee, amount_minor, event_time, is_fraud FROM payments WHERE payee <> payer
    UNION ALL
    SELECT device, amount_minor, event_time, is_fraud FROM payments WHERE device IS NOT NULL
    UNION ALL
    SELECT instrument, amount_minor, event_time, is_fraud FROM payments WHERE instrument IS NOT NULL
)
SELECT
    node_id,
    left(node_id, strpos(node_id, ':') - 1) AS label,
    substr(node_id, strpos(node_id, ':') + 1) AS entity_id,
    {_WEIGHTS}
FROM parts
GROUP BY node_id"""  # noqa: S608

_EDGES = f"""
WITH {_PAYMENTS},
links AS (
    SELECT payer, 'PAID' AS type, payee AS used, amount_minor, event_time, is_fraud FROM payments
    UNION ALL
    SELECT payer, 'USED_DEVICE', device, amount_minor, event_time, is_fraud FROM payments
    UNION ALL
    SELECT payer, 'USED_INSTRUMENT', instrument, amount_minor, event_time, is_fraud FROM payments
)
SELECT
    concat_ws(
        '|',
        replace(replace(payer, '%', '%25'), '|', '%7C'),
        type,
        replace(replace(used, '%', '%25'), '|', '%7C')
    ) AS edge_id,
    payer AS from_node_id,
    used AS to_node_id,
    type,
    {_WEIGHTS}
FROM links
WHERE used IS NOT NULL
GROUP BY payer, type, used"""  # noqa: S608


@dataclass(frozen=True)
class GraphCounts:
    """Nodes and edges of a graph."""

    nodes: int
    edges: int


def graph_nodes(session: duckdb.DuckDBPyConnection) -> pa.RecordBatchReader:
    """Rows of `graph_nodes` from the relations `transactions` and `judgements` of the session.

    A payment counts once at each node it touches, whatever its status; it counts as fraud when the judgement
    known last says so.
    """
    return session.sql(_NODES).to_arrow_reader(_BATCH_ROWS)


def graph_edges(session: duckdb.DuckDBPyConnection) -> pa.RecordBatchReader:
    """Rows of `graph_edges` from the same relations, one per payer, type and payee, device or instrument."""
    return session.sql(_EDGES).to_arrow_reader(_BATCH_ROWS)


def build_graph(lake: Lake) -> GraphCounts:
    """Replace `graph_nodes` and `graph_edges` by the graph of all payments in the lake; returns its size."""
    with lake.connect() as session:
        lake.replace(GRAPH_NODES, graph_nodes(session))
        lake.replace(GRAPH_EDGES, graph_edges(session))
    return GraphCounts(lake.dataset(GRAPH_NODES).count_rows(), lake.dataset(GRAPH_EDGES).count_rows())
