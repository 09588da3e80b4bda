"""The network: the entity graph as tables, and its copy in Neo4j."""

from collections.abc import Iterator

import dagster as dg

from risk_platform.defs.platform import IO_RETRY, Materialized, Platform, final_refusals
from risk_platform.lake.tables import GRAPH_EDGES, GRAPH_NODES


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "graph_nodes",
            deps=["transactions", "judgements"],
            description=GRAPH_NODES.description,
            kinds={"delta"},
        ),
        dg.AssetSpec(
            "graph_edges",
            deps=["transactions", "judgements"],
            description=GRAPH_EDGES.description,
            kinds={"delta"},
        ),
    ],
    group_name="network",
    pool="network",
)
def entity_graph(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[Materialized]:
    """Rebuild nodes and edges from all payments of the lake."""
    from risk_platform.network.graph import build_graph

    with final_refusals():
        counts = build_graph(platform.lake)
    context.log.info(f"{counts.nodes:,} nodes, {counts.edges:,} edges")
    yield dg.MaterializeResult("graph_nodes", metadata={"dagster/row_count": counts.nodes})
    yield dg.MaterializeResult("graph_edges", metadata={"dagster/row_count": counts.edges})


@dg.asset(
    deps=["graph_nodes", "graph_edges"],
    group_name="network",
    kinds={"neo4j"},
    pool="neo4j",
    retry_policy=IO_RETRY,
    output_required=False,
)
def neo4j_graph(context: dg.AssetExecutionContext, platform: Platform) -> Iterator[Materialized]:
    """The entity graph in Neo4j, upserted over Bolt; skipped while RISK_NEO4J_URI is not set."""
    from risk_platform.network.neo4j_export import export_graph

    current = platform.settings
    if current.neo4j_uri is None:
        context.log.info("Skipped: RISK_NEO4J_URI is not set, so the graph stays in the lake.")
        return
    with final_refusals():
        exported = export_graph(
            platform.lake,
            current.neo4j_uri,
            current.neo4j_user,
            current.neo4j_password.get_secret_value(),
            progress=lambda kind, written, total: context.log.info(f"{kind}: {written:,} of {total:,}"),
        )
    yield dg.MaterializeResult(
        metadata={
            "nodes": exported.nodes,
            "edges": exported.edges,
            "nodes_not_in_the_lake": exported.other_nodes,
            "edges_not_in_the_lake": exported.other_edges,
        }
    )
