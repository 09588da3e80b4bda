"""The feature spec: `vars.features` of the dbt project, validated, with the mart's names in column order."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import ValidationError, model_validator

from risk_platform.errors import ContractError
from risk_platform.features.declaration import (
    MEASURELESS,
    Aggregate,
    AggregateEntry,
    Entity,
    Entry,
    Filter,
    Measure,
    Run,
    RunStateEntry,
)
from risk_platform.features.descriptions import describe_aggregate, describe_run
from risk_platform.features.expressions import BASE_COLUMNS, Expression
from risk_platform.features.project import PROJECT_FOLDER


class FeatureSpec(Entry):
    """Every feature of the mart `payment_features`, in four stages, each built upon the ones before."""

    entities: dict[str, Entity]
    measures: dict[str, Measure]
    filters: dict[str, Filter]
    baselines: tuple[AggregateEntry, ...]
    deviations: dict[str, Expression]
    aggregates: tuple[AggregateEntry, ...]
    run_states: tuple[RunStateEntry, ...]
    comparisons: dict[str, Expression]

    @cached_property
    def first_stage(self) -> tuple[Aggregate, ...]:
        return tuple(a for entry in self.baselines for a in entry.expanded())

    @cached_property
    def second_stage(self) -> tuple[Aggregate, ...]:
        return tuple(a for entry in self.aggregates for a in entry.expanded())

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        return tuple(run for entry in self.run_states for run in entry.expanded())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All features in the column order of the mart."""
        return (
            *(name for name, e in self.deviations.items() if not e.internal),
            *(a.name for a in self.first_stage if not a.internal),
            *(a.name for a in self.second_stage if not a.internal),
            *(run.name for run in self.runs),
            *(name for name, e in self.comparisons.items() if not e.internal),
        )

    @cached_property
    def _titles(self) -> dict[str, str]:
        return {
            **{a.name: describe_aggregate(self, a) for a in (*self.first_stage, *self.second_stage)},
            **{run.name: describe_run(self, run) for run in self.runs},
            **{name: e.title for name, e in (*self.deviations.items(), *self.comparisons.items())},
        }

    def description(self, name: str) -> str:
        """What the feature `name` says, in one sentence; raises KeyError when there is no such feature."""
        return self._titles[name]

    @model_validator(mode="after")
    def _references_resolve(self) -> Self:
        known = set(BASE_COLUMNS)
        for a in self.first_stage:
            self._check_aggregate(a, known)
        known |= {a.name for a in self.first_stage}
        known = _check_expressions(self.deviations, known)
        for a in self.second_stage:
            self._check_aggregate(a, known)
        for run in self.runs:
            for name in (run.of, run.broken_by):
                self._check_filter(run.name, name, known)
        known |= {a.name for a in self.second_stage} | {run.name for run in self.runs}
        _check_expressions(self.comparisons, known)
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise ValueError(f"the feature {twice} is declared twice; remove one of the entries")
        return self

    def _check_aggregate(self, a: Aggregate, known: set[str]) -> None:
        if a.entity not in self.entities:
            raise ValueError(
                f"{a.name} names the entity {a.entity!r}; declared are {', '.join(self.entities)}"
            )
        if a.measure and a.measure not in self.measures and a.measure not in known:
            raise ValueError(
                f"{a.name} names the measure {a.measure!r}, which is neither declared nor derived before it"
            )
        if (a.measure is None) != (a.agg in MEASURELESS):
            raise ValueError(f"{a.name}: {a.agg} {'needs a' if a.measure is None else 'takes no'} measure")
        if a.filter:
            self._check_filter(a.name, a.filter, known)

    def _check_filter(self, user: str, name: str, known: set[str]) -> None:
        chosen = self.filters.get(name)
        if chosen is None:
            raise ValueError(f"{user} names the filter {name!r}; declared are {', '.join(self.filters)}")
        if chosen.label and chosen.stream != "resolutions":
            raise ValueError(f"the filter {name} looks at the label, which only the stream resolutions has")
        for flag in (chosen.when, chosen.unless):
            if flag and flag not in known:
                raise ValueError(
                    f"the filter {name} of {user} names the flag {flag!r}, which is not derived before it"
                )


def load_feature_vars() -> dict[str, Any]:
    """The vars of the shipped dbt project: `features`, and what they are computed with."""
    project = yaml.safe_load((PROJECT_FOLDER / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(project["vars"])


def load_feature_spec() -> FeatureSpec:
    """The spec of the shipped dbt project; raises ContractError naming the entry that is wrong."""
    return read_feature_spec(PROJECT_FOLDER / "dbt_project.yml")


def read_feature_spec(project_file: Path) -> FeatureSpec:
    """The spec in `vars.features` of a dbt project file."""
    return parse_feature_spec(yaml.safe_load(project_file.read_text(encoding="utf-8"))["vars"]["features"])


def parse_feature_spec(features: Mapping[str, Any]) -> FeatureSpec:
    """The validated spec; raises ContractError with one sentence for the first entry that is wrong."""
    try:
        return FeatureSpec.model_validate(features)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the spec"
        raise ContractError(
            f"The features in dbt_project.yml are wrong at {place}: {first['msg']}."
        ) from error


def _check_expressions(expressions: Mapping[str, Expression], known: set[str]) -> set[str]:
    """`known` with the names of `expressions`, each of which may use what was known before it."""
    seen = set(known)
    for name, expression in expressions.items():
        missing = [used for used in expression.inputs if used not in seen]
        if missing:
            raise ValueError(
                f"{name} uses {missing[0]!r}, which is neither a payment column nor declared before it"
            )
        seen.add(name)
    return seen
