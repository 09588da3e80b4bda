"""Row rules: what every row of a kind must be, written as data and checked as strictly as a mapping."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from risk_platform.durations import parse_duration
from risk_platform.transactions.canonical import RECORDS, RecordKind
from risk_platform.transactions.currencies import minor_digits
from risk_platform.transactions.marked_yaml import MarkedYaml, Problem, problems_of, read_yaml, suggestion

SHIPPED_RULES = Path(__file__).parent / "row_rules.yaml"
NOW = "now"

_NUMERIC = ("minor", "number")


class _Rule(BaseModel):
    """A name, the column it speaks of, what it says, since when, and whether it refuses rows at the door."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    column: str
    description: str = Field(min_length=1)
    since: date
    at_door: bool = True


class NotNull(_Rule):
    """A value is there."""

    kind: Literal["not_null"]


class OneOf(_Rule):
    """The value is one of a list."""

    kind: Literal["one_of"]
    values: tuple[str, ...] = Field(min_length=1)


class Between(_Rule):
    """The value lies between two numbers or two days, both allowed."""

    kind: Literal["between"]
    min: float | date
    max: float | date

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        if type(self.min) is not type(self.max):
            raise ValueError("min and max must both be numbers or both be days")
        return self

    @property
    def bounds(self) -> tuple[float | datetime, float | datetime]:
        """Both bounds, days as their first instant in UTC."""
        return _instant(self.min), _instant(self.max)


class Matches(_Rule):
    """The whole value matches a regular expression (no anchors; classes rather than escapes such as \\w)."""

    kind: Literal["matches"]
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value


class MaxLength(_Rule):
    """The value has at most `max` characters."""

    kind: Literal["max_length"]
    max: int = Field(gt=0)


class Finite(_Rule):
    """The value is neither infinite nor not-a-number."""

    kind: Literal["finite"]


class Positive(_Rule):
    """The value is above zero."""

    kind: Literal["positive"]


class NotAfter(_Rule):
    """The time is at most `bound`, the instant of checking (now) or a time of the row, plus `slack`."""

    kind: Literal["not_after"]
    bound: str
    slack: timedelta = timedelta(0)

    @field_validator("slack", mode="before")
    @classmethod
    def _written_duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value


RowRule = Annotated[
    NotNull | OneOf | Between | Matches | MaxLength | Finite | Positive | NotAfter,
    Field(discriminator="kind"),
]
_SUITABLE: dict[str, tuple[str, ...]] = {
    "one_of": ("text", "identifier"),
    "matches": ("text", "identifier"),
    "max_length": ("text", "identifier"),
    "between": (*_NUMERIC, "time"),
    "finite": ("number",),
    "positive": _NUMERIC,
    "not_after": ("time",),
}


class _RuleBook(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    lists: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    rules: dict[RecordKind, tuple[RowRule, ...]]


@cache
def load_row_rules(kind: RecordKind, path: Path = SHIPPED_RULES) -> tuple[RowRule, ...]:
    """The rules for rows of that kind, in order; raises InputError naming each wrong line of the file."""
    document = read_yaml(path)
    return parse_row_rules(document).get(kind, ())


def parse_row_rules(document: MarkedYaml) -> dict[RecordKind, tuple[RowRule, ...]]:
    """The rules that the document says, by kind of record; raises InputError naming each wrong line."""
    expanded = _expanded(document)
    try:
        book = _RuleBook.model_validate(expanded.data)
    except ValidationError as error:
        raise expanded.refusal(problems_of(error, lambda _: sorted(_known_keys()))) from error
    problems = [problem for kind, rules in book.rules.items() for problem in _rule_problems(kind, rules)]
    if problems:
        raise expanded.refusal(problems)
    return dict(book.rules)


def _expanded(document: MarkedYaml) -> MarkedYaml:
    """The document with one entry for each column of a rule on several, and the values of each named list."""
    lists = {**document.data.get("lists", {}), "currencies": sorted(minor_digits())}
    lines = dict(document.lines)
    rules: dict[str, list[dict[str, Any]]] = {}
    for kind, entries in document.data.get("rules", {}).items():
        rules[kind] = []
        for position, entry in enumerate(entries):
            for single in _singles(entry, lists):
                lines[("rules", kind, len(rules[kind]), "")] = document.line(("rules", kind, position))
                rules[kind].append(single)
    placed = {path: line for path, line in lines.items() if path[:1] != ("rules",) or path[-1] == ""}
    placed |= {path[:-1]: line for path, line in placed.items() if path and path[-1] == ""}
    return MarkedYaml(document.name, {**document.data, "rules": rules}, placed)


def _singles(entry: dict[str, Any], lists: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    single = dict(entry)
    if "list" in single and single["list"] in lists:
        single["values"] = lists[single.pop("list")]
    columns = single.pop("columns", None)
    if columns is None:
        yield single
        return
    for column in columns:
        yield {**single, "column": column, "name": str(single.get("name", "")).replace("{column}", column)}


def _known_keys() -> set[str]:
    kinds = (NotNull, OneOf, Between, Matches, MaxLength, Finite, Positive, NotAfter)
    return {"columns", "list", "lists", "rules"}.union(*(kind.model_fields for kind in kinds))


def _rule_problems(kind: RecordKind, rules: tuple[RowRule, ...]) -> Iterator[Problem]:
    stored = {field.name: field.type for field in RECORDS[kind].fields if not field.virtual}
    seen: set[str] = set()
    for position, rule in enumerate(rules):
        path = ("rules", kind, position)
        if rule.name in seen:
            yield Problem(path, f"two rules are called {rule.name!r}")
        seen.add(rule.name)
        for column in (
            rule.column,
            rule.bound if isinstance(rule, NotAfter) and rule.bound != NOW else rule.column,
        ):
            if column not in stored:
                yield Problem(path, f"{column!r} is no column of {kind}{suggestion(column, stored)}")
            elif stored[column] not in _SUITABLE.get(rule.kind, (stored[column],)):
                yield Problem(
                    path, f"{rule.kind} says nothing about {column}, which is of type {stored[column]}"
                )


def _instant(bound: float | date) -> float | datetime:
    return bound if isinstance(bound, float) else datetime(bound.year, bound.month, bound.day, tzinfo=UTC)
