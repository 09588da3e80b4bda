"""The declared features compiled to flat tables of integers, one plan for each column with lists."""

from collections.abc import Mapping
from dataclasses import dataclass

from risk_platform.features.declaration import Aggregate, Entity, Run
from risk_platform.features.online.columns import PAYEE, PAYEE_COLUMN, Columns
from risk_platform.features.online.host import HostPlan
from risk_platform.features.online.rows import NO_CODE
from risk_platform.features.online.tables import HostTables, Reach
from risk_platform.features.online.views import ViewBuilder
from risk_platform.features.spec import FeatureSpec


@dataclass(frozen=True)
class Plan:
    """The hosts by the column they are lists of, what each stage answers in the order of its slots, and its hosts.

    `sees_itself` says whether first-stage aggregates see payments at once, and not only once they are known good.
    """

    hosts: Mapping[str, HostPlan]
    names: tuple[tuple[str, ...], tuple[str, ...]]
    first_hosts: tuple[str, ...]
    sees_itself: bool


def compile_plan(spec: FeatureSpec, columns: Columns, reach: Reach) -> Plan:
    """The lists and operations for the declared aggregates and run states.

    Raises ContractError for what the declaration allows but the engine cannot compute.
    """
    stages: tuple[tuple[tuple[Aggregate, ...], tuple[Run, ...]], ...] = (
        (spec.first_stage, ()),
        (spec.second_stage, spec.runs),
    )
    tables: dict[str, HostTables] = {}
    for stage, (aggregates, runs) in enumerate(stages):
        for entity in dict.fromkeys((*(a.entity for a in aggregates), *(run.entity for run in runs))):
            view = _view(spec, columns, tables, reach, entity, stage)
            for slot, a in enumerate(aggregates):
                if a.entity == entity:
                    view.aggregate(a, slot)
            for slot, run in enumerate(runs, len(aggregates)):
                if run.entity == entity:
                    view.run(run, slot)
            view.close()
    return Plan(
        {column: host.plan() for column, host in tables.items()},
        (
            tuple(a.name for a in spec.first_stage),
            (*(a.name for a in spec.second_stage), *(run.name for run in spec.runs)),
        ),
        tuple(column for column, host in tables.items() if host.has_stage(0)),
        any(a.filter is None or spec.filters[a.filter].stream == "payments" for a in spec.first_stage),
    )


def _view(
    spec: FeatureSpec,
    columns: Columns,
    tables: dict[str, HostTables],
    reach: Reach,
    entity: str,
    stage: int,
) -> ViewBuilder:
    """The view of an entity: on the list of its first column, narrowed to one value of a second."""
    declared: Entity = spec.entities[entity]
    seen = declared.seen_as or declared.key
    column = PAYEE_COLUMN if seen[0] == PAYEE else seen[0]
    host = tables.setdefault(column, HostTables(columns.code(column), reach.maturity))
    match = [columns.code(name) for name in (*seen[1:], *declared.key[1:])]
    key = (stage, columns.code(declared.key[0]), *(match or (NO_CODE, NO_CODE)))
    return ViewBuilder(spec, columns, host, reach, key, gated=seen[0] == PAYEE)
