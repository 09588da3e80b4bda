"""The row rules at the live door: the very rules of ingestion, held against short columns of plain values.

`transactions.door` asks Polars, which is made for millions of rows; one payment, or a thousand, costs it
milliseconds. A test holds both doors to the same verdicts.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

import pyarrow as pa

from risk_platform.intake.events import Columns, micros
from risk_platform.intake.glance import Glance
from risk_platform.intake.refusals import Refusals
from risk_platform.transactions.canonical import RecordKind
from risk_platform.transactions.rules import (
    NOW,
    Between,
    Finite,
    Matches,
    MaxLength,
    NotAfter,
    NotNull,
    OneOf,
    Positive,
    RowRule,
    load_row_rules,
)

_KNOWN = "known_time"
# Bounds that are the instant of checking.
_INSTANTS = (NOW, _KNOWN)
_MICROSECOND = timedelta(microseconds=1)
# From so many events on, columns are looked at as a whole first.
_MANY = 48
# Whether none of the given values breaks the rule.
Fine = Callable[[Sequence[Any]], bool]
ValueRule = OneOf | Matches | MaxLength | Between | Finite | Positive


class LiveDoor:
    """The rules that refuse rows of one kind, ready to be held against columns of live events.

    `known_time` is no column of them: at the door it is the instant of checking.
    """

    def __init__(self, kind: RecordKind) -> None:
        self._rules = [
            (rule, None if isinstance(rule, NotNull | NotAfter) else _is_fine(rule))
            for rule in load_row_rules(kind)
            if rule.at_door and rule.column != _KNOWN
        ]
        self._columns = _asked(self._rules)

    def check(
        self, columns: Columns, now: datetime, refusals: Refusals, events: pa.Table | None = None
    ) -> None:
        """Refuse each event that breaks a rule; `now` is the instant of checking.

        `events` are the same columns in Arrow, which many events are seen in faster.
        """
        instant = micros(now)
        few = events is None or events.num_rows < _MANY
        if few and all(asked.holds(columns, instant) for asked in self._columns):
            return
        glance = None if few else Glance(events)
        for rule, is_fine in self._rules:
            if glance is not None and _cleared(glance, rule, instant):
                continue
            broken = _breaking(columns, rule, is_fine, instant)
            refusals.add(broken, rule.name, rule.column, columns[rule.column].__getitem__)


@dataclass(frozen=True)
class _Asked:
    """What all rules together ask of one column: that is told faster than which of them is broken by what.

    `ahead` is how many µs its times may be ahead of now, None for any; `later` are the other rules for times.
    """

    name: str
    required: bool
    fine: tuple[Fine, ...]
    ahead: int | None
    later: tuple[NotAfter, ...]

    def holds(self, columns: Columns, now: int) -> bool:
        """Whether no event breaks any of the rules."""
        given = columns[self.name]
        if None in given:
            if self.required:
                return False
            given = [value for value in given if value is not None]
        for is_fine in self.fine:
            if not is_fine(given):
                return False
        if self.ahead is not None and given and max(given) > now + self.ahead:
            return False
        return not any(_breaking(columns, rule, None, now) for rule in self.later)


def _asked(rules: Sequence[tuple[RowRule, Fine | None]]) -> list[_Asked]:
    asked = []
    for name in dict.fromkeys(rule.column for rule, _ in rules):
        of_column = [(rule, is_fine) for rule, is_fine in rules if rule.column == name]
        times = [rule for rule, _ in of_column if isinstance(rule, NotAfter)]
        ahead = [rule.slack // _MICROSECOND for rule in times if rule.bound in _INSTANTS]
        asked.append(
            _Asked(
                name,
                required=any(isinstance(rule, NotNull) for rule, _ in of_column),
                fine=tuple(is_fine for _, is_fine in of_column if is_fine),
                ahead=min(ahead, default=None),
                later=tuple(rule for rule in times if rule.bound not in _INSTANTS),
            )
        )
    return asked


def _cleared(glance: Glance, rule: RowRule, now: int) -> bool:
    """Whether no event breaks the rule for sure."""
    if isinstance(rule, NotAfter) and rule.bound in _INSTANTS:
        latest = glance.latest(rule.column)
        return latest is None or latest <= now + rule.slack // _MICROSECOND
    return glance.clears(rule)


def _breaking(columns: Columns, rule: RowRule, is_fine: Fine | None, now: int) -> list[int]:
    """Positions of the events that break the rule; the missing value breaks only that it must be there."""
    values = columns[rule.column]
    if isinstance(rule, NotNull):
        return [at for at, value in enumerate(values) if value is None] if None in values else []
    if isinstance(rule, NotAfter):
        bounds = [now] * len(values) if rule.bound in _INSTANTS else columns[rule.bound]
        slack = rule.slack // _MICROSECOND
        pairs = enumerate(zip(values, bounds, strict=True))
        return [at for at, (value, bound) in pairs if None not in (value, bound) and value > bound + slack]
    given = [value for value in values if value is not None] if None in values else values
    if is_fine is None or is_fine(given):
        return []
    return [at for at, value in enumerate(values) if value is not None and not is_fine([value])]


def _is_fine(rule: ValueRule) -> Fine:
    """What sees of a whole column, in a call or two of the interpreter's own, that no value breaks the rule."""
    match rule:
        case OneOf():
            return frozenset(rule.values).issuperset
        case Matches():
            fits = re.compile(rule.pattern).fullmatch
            return lambda given: None not in [fits(value) for value in given]
        case MaxLength():
            most = rule.max
            return lambda given: not [value for value in given if len(value) > most]
        case Between():
            low, high = _bounds(rule)
            return lambda given: not [value for value in given if not low <= value <= high]
        case Finite():
            return lambda given: all(map(isfinite, given))
        case Positive():
            return lambda given: not given or min(given) > 0


def _bounds(rule: Between) -> tuple[float, float]:
    low, high = (micros(bound) if isinstance(bound, datetime) else bound for bound in rule.bounds)
    return low, high
