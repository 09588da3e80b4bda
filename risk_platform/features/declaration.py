"""The entries that features are declared with: entities, measures, filters, aggregates and run states."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from risk_platform.durations import parse_duration

Stream = Literal["payments", "resolutions"]
Aggregation = Literal[
    "count", "rate", "sum", "mean", "std", "max", "distinct", "age_first", "age_last", "last"
]
# Aggregations of events as such; all others aggregate a measure.
MEASURELESS: frozenset[Aggregation] = frozenset(("count", "rate", "age_first", "age_last"))
RunState = Literal["length", "age_first", "age_before", "since"]


def _window(text: str) -> str:
    parse_duration(text)
    return text


Window = Annotated[str, AfterValidator(_window)]


class Entry(BaseModel):
    """Base of every entry: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Entity(Entry):
    """Whose history is looked at: payments whose `seen_as` (default `key`) equals the payment's own `key`."""

    title: str
    key: tuple[str, ...] = Field(min_length=1, max_length=2)
    seen_as: tuple[str, ...] | None = None


class Measure(Entry):
    """A column of the payment that can be aggregated."""

    title: str
    column: str


class Filter(Entry):
    """Which events count: a stream, the state of the label, flags derived for each payment at its time."""

    title: str
    stream: Stream
    label: Literal["good", "fraud"] | None = None
    when: str | None = None
    unless: str | None = None


class AggregateEntry(Entry):
    """Aggregates of one measure of one entity, expanded over aggregations and windows."""

    entity: str
    filter: str | None = None
    measure: str | None = None
    aggs: tuple[Aggregation, ...] = Field(min_length=1)
    windows: tuple[Window, ...] = Field(min_length=1)
    internal: bool = False

    def expanded(self) -> Iterator["Aggregate"]:
        words = [word for word in (self.filter, self.measure) if word] or ["payment"]
        for agg in self.aggs:
            for window in self.windows:
                name = "_".join([self.entity, *words, agg, window]).replace(
                    f"{self.entity}_{self.entity}_", f"{self.entity}_"
                )
                yield Aggregate(name, self.entity, self.filter, self.measure, agg, window, self.internal)


@dataclass(frozen=True)
class Aggregate:
    """One aggregate: its column name and what it is made of."""

    name: str
    entity: str
    filter: str | None
    measure: str | None
    agg: Aggregation
    window: str
    internal: bool


class RunStateEntry(Entry):
    """States of the current run of resolutions that pass `of`, broken by one that passes `broken_by`."""

    entity: str
    of: str
    broken_by: str
    states: tuple[RunState, ...] = Field(min_length=1)
    horizon: Window

    def expanded(self) -> Iterator["Run"]:
        for state in self.states:
            name = f"{self.entity}_{self.of}_run_{state}_{self.horizon}"
            yield Run(name, self.entity, self.of, self.broken_by, state, self.horizon)


@dataclass(frozen=True)
class Run:
    """One run state: its column name and what it is made of."""

    name: str
    entity: str
    of: str
    broken_by: str
    state: RunState
    horizon: str
