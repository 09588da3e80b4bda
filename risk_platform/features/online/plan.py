"""The declared features compiled to flat tables of integers, one plan for each column with lists."""

from collections.abc import Mapping
from dataclasses import dataclass

from risk_platform.features.declaration import Aggregate, Entity, Run
from risk_platform.features.online.columns import PAYEE, PAYEE_COLUMN, Columns
from risk_platform.features.online.derive import BASE_NUMBERS, Program, compile_program
from risk_platform.features.online.host import HostPlan
from risk_platform.features.online.rows import NO_CODE
from risk_platform.features.online.tables import HostTables, Reach
from risk_platform.features.online.views import ViewBuilder
from risk_platform.features.spec import FeatureSpec


@dataclass(frozen=True)
class Plan:
    """The hosts by the column they are lists of, those of the first stage, and the expressions after each stage.

    `slots` are the columns of a batch's values: the payment's own numbers, then what each stage and its expressions
    give. `sees_itself` says whether first-stage aggregates see payments at once, and not only once they are known good.
    """

    hosts: Mapping[str, HostPlan]
    slots: Mapping[str, int]
    deviations: Program
    comparisons: Program
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
    slots = _slots(spec)
    for stage, (aggregates, runs) in enumerate(stages):
        for entity in dict.fromkeys((*(a.entity for a in aggregates), *(run.entity for run in runs))):
            view = _view(spec, columns, tables, reach, entity, stage)
            for a in aggregates:
                if a.entity == entity:
                    view.aggregate(a, slots[a.name])
            for run in runs:
                if run.entity == entity:
                    view.run(run, slots[run.name])
            view.close()
    return Plan(
        {column: host.plan() for column, host in tables.items()},
        slots,
        compile_program(spec.deviations, slots),
        compile_program(spec.comparisons, slots),
        tuple(column for column, host in tables.items() if host.has_stage(0)),
        any(a.filter is None or spec.filters[a.filter].stream == "payments" for a in spec.first_stage),
    )


def _slots(spec: FeatureSpec) -> dict[str, int]:
    """The column of every value; what is named as one before it takes its place."""
    first, second = ([a.name for a in stage] for stage in (spec.first_stage, spec.second_stage))
    runs = [run.name for run in spec.runs]
    names = (*BASE_NUMBERS, *first, *spec.deviations, *second, *runs, *spec.comparisons)
    return {name: at for at, name in enumerate(dict.fromkeys(names))}


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
