"""The entity graph upserted into Neo4j over Bolt."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import duckdb
import neo4j
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from risk_platform.errors import ContractError, ServiceError
from risk_platform.lake.lake import Lake

Progress = Callable[[str, int, int], None]
Rows = list[dict[str, Any]]

_LABELS = ("Customer", "Counterparty", "Device", "Instrument")
_LINKS = (
    ("PAID", "Customer"),
    ("PAID", "Counterparty"),
    ("USED_DEVICE", "Device"),
    ("USED_INSTRUMENT", "Instrument"),
)
_WEIGHTS = "payment_count, amount_minor_sum, fraud_count, first_seen, last_seen"
_BOLT = ("bolt:", "bolt+s:", "bolt+ssc:", "neo4j:", "neo4j+s:", "neo4j+ssc:")
_BARE_ID = "substr({0}, strpos({0}, ':') + 1)"


@dataclass(frozen=True)
class Exported:
    """Nodes and edges written, and those of the same labels and types that the database holds beyond them.

    The export deletes nothing: what the lake no longer has stays in the database until somebody removes it.
    """

    nodes: int
    edges: int
    other_nodes: int
    other_edges: int


def export_graph(
    lake: Lake,
    uri: str,
    user: str,
    password: str,
    batch_size: int = 10_000,
    progress: Progress | None = None,
) -> Exported:
    """Upsert `graph_nodes` and `graph_edges` into the Neo4j database at the Bolt address `uri`.

    Nodes carry their label (Customer, Counterparty, Device, Instrument) and are unique by `entity_id`;
    relationships are PAID, USED_DEVICE and USED_INSTRUMENT; both carry counts, amounts in minor units, first
    and last time seen. Writing the same lake again changes nothing. `progress` hears nodes or edges, how many
    are written and how many there are. Raises ServiceError when the database cannot be reached or refuses,
    ContractError when an edge names a node that the lake lacks.
    """
    if not uri.startswith(_BOLT):
        raise ServiceError(
            f"{uri!r} is not a Bolt address such as bolt://localhost:7687; correct RISK_NEO4J_URI."
        )
    with (
        _bolt_errors(uri),
        neo4j.GraphDatabase.driver(uri, auth=(user, password), telemetry_disabled=True) as driver,
        driver.session() as session,
        lake.connect() as tables,
    ):
        driver.verify_connectivity()
        _constrain(session)
        nodes = _upsert_nodes(session, tables, batch_size, progress)
        edges = _upsert_edges(session, tables, batch_size, progress)
        return Exported(
            nodes, edges, _held(session, _HELD_NODES) - nodes, _held(session, _HELD_EDGES) - edges
        )


_HELD_NODES: LiteralString = "MATCH (n:Customer|Counterparty|Device|Instrument) RETURN count(n)"
_HELD_EDGES: LiteralString = "MATCH ()-[r:PAID|USED_DEVICE|USED_INSTRUMENT]->() RETURN count(r)"


def _constrain(session: neo4j.Session) -> None:
    for label in _LABELS:
        name = f"risk_{label.lower()}"
        session.run(
            f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.entity_id IS UNIQUE"
        ).consume()
    session.run("CALL db.awaitIndexes(300)").consume()


def _upsert_nodes(
    session: neo4j.Session, tables: duckdb.DuckDBPyConnection, batch_size: int, progress: Progress | None
) -> int:
    total, written = _count(tables, "graph_nodes"), 0
    for label in _LABELS:
        rows = tables.sql(f"SELECT entity_id, {_WEIGHTS} FROM graph_nodes WHERE label = '{label}'")  # noqa: S608
        statement: LiteralString = f"""UNWIND $rows AS row
            MERGE (n:{label} {{entity_id: row.entity_id}}) SET n += row RETURN count(n)"""
        for batch in _batches(rows, batch_size):
            written += session.execute_write(_write, statement, batch)
            _tell(progress, "nodes", written, total)
    return written


def _upsert_edges(
    session: neo4j.Session, tables: duckdb.DuckDBPyConnection, batch_size: int, progress: Progress | None
) -> int:
    total, written = _count(tables, "graph_edges"), 0
    for kind, label in _LINKS:
        rows = tables.sql(
            f"""SELECT {_BARE_ID.format("from_node_id")} AS payer,
                {_BARE_ID.format("to_node_id")} AS used, {_WEIGHTS}
            FROM graph_edges WHERE type = '{kind}' AND starts_with(to_node_id, '{label}:')"""  # noqa: S608
        )
        statement: LiteralString = f"""UNWIND $rows AS row
            MATCH (payer:Customer {{entity_id: row.payer}})
            MATCH (used:{label} {{entity_id: row.used}})
            MERGE (payer)-[r:{kind}]->(used)
            SET r.payment_count = row.payment_count, r.amount_minor_sum = row.amount_minor_sum,
                r.fraud_count = row.fraud_count, r.first_seen = row.first_seen, r.last_seen = row.last_seen
            RETURN count(r)"""
        for batch in _batches(rows, batch_size):
            written += session.execute_write(_write, statement, batch)
            _tell(progress, "edges", written, total)
    if written != total:
        raise ContractError(
            f"{total - written} of {total} graph edges name a node that graph_nodes lacks; "
            "build the graph again."
        )
    return written


def _write(transaction: neo4j.ManagedTransaction, statement: LiteralString, rows: Rows) -> int:
    return int(transaction.run(statement, rows=rows).single(strict=True).value())


def _batches(rows: duckdb.DuckDBPyRelation, size: int) -> Iterator[Rows]:
    for batch in rows.to_arrow_reader(size):
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size).to_pylist()


def _count(tables: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(tables.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])  # noqa: S608


def _held(session: neo4j.Session, query: LiteralString) -> int:
    return int(session.run(query).single(strict=True).value())


def _tell(progress: Progress | None, kind: str, written: int, total: int) -> None:
    if progress is not None:
        progress(kind, written, total)


@contextmanager
def _bolt_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except AuthError as error:
        raise ServiceError(
            f"Neo4j at {uri} refuses the user or password; set RISK_NEO4J_USER and RISK_NEO4J_PASSWORD."
        ) from error
    except DriverError as error:
        raise ServiceError(
            f"Neo4j at {uri} cannot be reached ({_one_line(error)}); start it or correct RISK_NEO4J_URI."
        ) from error
    except Neo4jError as error:
        raise ServiceError(f"Neo4j at {uri} refused to write the graph: {_one_line(error)}.") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
