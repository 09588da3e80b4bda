"""Rule sets: dated rules as YAML, checked line by line before any of them is believed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from risk_platform.decisions.levels import Advice, Level
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.language import Compiled, RuleLanguageError, compile_condition
from risk_platform.transactions.marked_yaml import Problem, parse_yaml, problems_of, suggestion

STARTER = Path(__file__).parent / "starter.yaml"


class Effect(BaseModel):
    """What a hit does: lifts the score to a floor, the advice to at least one, or only leaves a tag."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    score_floor: float | None = Field(None, gt=0, le=1)
    advice: Advice | None = None
    tag: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.score_floor is None and self.advice is None and self.tag is None:
            raise ValueError("an effect has a score_floor, an advice or a tag")
        return self


class Rule(BaseModel):
    """One rule as written: a condition, the business days it holds for, its effect and reason code."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(pattern="[a-z][a-z0-9_]*")
    description: str = Field(min_length=1)
    since: date = Field(alias="from")
    until: date | None = None
    when: str = Field(min_length=1)
    effect: Effect
    reason_code: str
    mode: Literal["live", "shadow"]

    @model_validator(mode="after")
    def _days_agree(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError(f"it ends on {self.until}, before it begins on {self.since}")
        return self


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    degraded_level: Literal[Level.MEDIUM, Level.HIGH, Level.CRITICAL]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class RuleSet:
    """Rules in their order with their compiled conditions, and the text they were read from.

    `degraded_level` is the least level of a payment that the model could not judge.
    """

    text: str
    rules: tuple[Rule, ...]
    conditions: tuple[Compiled, ...]
    degraded_level: Level

    @classmethod
    def parse(
        cls, text: str, features: Sequence[str], reasons: ReasonDictionary, name: str = "rules.yaml"
    ) -> Self:
        """The rule set written in YAML over `features`; raises InputError with the line of all that is wrong."""
        document = parse_yaml(text, name)
        try:
            stated = _Document.model_validate(document.data)
        except ValidationError as error:
            raise document.refusal(problems_of(error, lambda _: _KEYS)) from error
        conditions = [_compiled(rule, at, features) for at, rule in enumerate(stated.rules)]
        problems = [problem for problem in conditions if isinstance(problem, Problem)]
        problems += _problems(stated.rules, reasons)
        if problems:
            raise document.refusal(problems)
        compiled = tuple(condition for condition in conditions if isinstance(condition, Compiled))
        return cls(text, stated.rules, compiled, Level(stated.degraded_level))

    @classmethod
    def starter(cls, features: Sequence[str], reasons: ReasonDictionary) -> Self:
        """The rules for Indian payments that come with the platform."""
        return cls.parse(STARTER.read_text("utf-8"), features, reasons, STARTER.name)

    @property
    def hash(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Features that some rule looks at, in alphabetical order."""
        return tuple(sorted(frozenset[str]().union(*(each.features for each in self.conditions))))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the payment that some rule looks at, in alphabetical order."""
        return tuple(sorted(frozenset[str]().union(*(each.columns for each in self.conditions))))


_KEYS = (
    "degraded_level",
    "rules",
    "from",
    *(name for name in Rule.model_fields if name != "since"),
    *Effect.model_fields,
)


def _compiled(rule: Rule, at: int, features: Sequence[str]) -> Compiled | Problem:
    try:
        return compile_condition(rule.when, features)
    except RuleLanguageError as error:
        return Problem(("rules", at, "when"), f"{rule.name}: {error}")


def _problems(rules: tuple[Rule, ...], reasons: ReasonDictionary) -> Iterator[Problem]:
    for at, rule in enumerate(rules):
        if rule.name in {other.name for other in rules[:at]}:
            yield Problem(("rules", at, "name"), f"two rules are called {rule.name!r}")
        if rule.reason_code not in reasons.rule_codes:
            known = suggestion(rule.reason_code, reasons.rule_codes)
            yield Problem(
                ("rules", at, "reason_code"), f"{rule.reason_code!r} is no reason code of rules{known}"
            )
