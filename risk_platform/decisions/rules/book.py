"""The rule book of an engine: a rule set with its lists, held against payments."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from risk_platform.decisions.levels import Advice
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.columns import Seen
from risk_platform.decisions.rules.language import Compiled
from risk_platform.decisions.rules.lists import Lists
from risk_platform.decisions.rules.rule_set import Rule, RuleSet
from risk_platform.decisions.rules.sieve import ALWAYS, Sieve
from risk_platform.errors import InputError

SHADOW = "shadow:"
"""Before the name of a rule in shadow in a decision's hits."""
_ADVICE = tuple(Advice)
_EPOCH_ORDINAL = 719_163
_SETS_KEPT = 1024
_LAST_DAY = 2**31 - 1
_NO_DAYS = (_LAST_DAY, -1)


@dataclass(frozen=True)
class Verdict:
    """What the rules say of n payments.

    `floors` is the least score of each (0: none), `advice` the place in `Advice` of the least advice. `hits` are
    the rules that fired, those in shadow marked by `SHADOW`, `codes` the reason codes of the live ones, the
    highest floor first: both for the rows in `rows` only, in ascending order.
    """

    floors: npt.NDArray[np.float64]
    advice: npt.NDArray[np.intp]
    rows: npt.NDArray[np.intp]
    hits: list[list[str]]
    codes: list[list[str]]

    def hits_by_row(self, count: int) -> list[list[str] | None]:
        """The hits of each of `count` payments, None for none."""
        spread: list[list[str] | None] = [None] * count
        for row, hits in zip(self.rows.tolist(), self.hits, strict=True):
            spread[row] = hits
        return spread


@dataclass(frozen=True)
class RuleBook:
    """A rule set and the lists it looks identifiers up in: together what `rules_hash` names."""

    rules: RuleSet
    lists: Lists

    @classmethod
    def shipped(cls, features: Sequence[str], reasons: ReasonDictionary) -> Self:
        """The starter rules with the shipped lists."""
        return cls(RuleSet.starter(features, reasons), Lists.shipped())

    @classmethod
    def parse(cls, document: bytes, features: Sequence[str], reasons: ReasonDictionary) -> Self:
        """The rule book kept as `document`; raises InputError when it is none or no longer a right one."""
        try:
            stated = json.loads(document)
            rules, lists = str(stated["rules"]), str(stated["lists"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError("The kept rule book cannot be read; its file was altered.") from error
        return cls(RuleSet.parse(rules, features, reasons), Lists.parse(lists))

    @cached_property
    def document(self) -> bytes:
        """Both texts as one JSON document, the form a rule book is kept in."""
        return json.dumps({"rules": self.rules.text, "lists": self.lists.text}, indent=1).encode() + b"\n"

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the document."""
        return hashlib.sha256(self.document).hexdigest()

    def judge(self, seen: Seen) -> Verdict:
        """What the rules say of payments, which have event_time, event_date and `rules.columns`."""
        chances = self._sieve.possible(seen)
        fired = [(at, self._fired(at, chances[at], seen)) for at in chances.nonzero()[0].tolist()]
        return self._verdict([(at, hit) for at, hit in fired if hit.any()], seen.count)

    def _fired(self, at: int, chance: int, seen: Seen) -> npt.NDArray[np.bool_]:
        hit = self.rules.conditions[at].condition(seen, self.lists)
        if chance == ALWAYS:
            return hit
        since, until = self._days[at]
        return hit & (since <= seen.event_dates) & (seen.event_dates <= until)

    def _verdict(self, fired: list[tuple[int, npt.NDArray[np.bool_]]], count: int) -> Verdict:
        floors, advice = np.zeros(count), np.zeros(count, dtype=np.intp)
        if not fired:
            return Verdict(floors, advice, np.zeros(0, dtype=np.intp), [], [])
        every = np.zeros((len(self.rules.rules), count), dtype=np.bool_)
        for at, hit in fired:
            every[at] = hit
            if self._live[at]:
                np.maximum(floors, self._floors[at], out=floors, where=hit)
                np.maximum(advice, self._advice[at], out=advice, where=hit)
        rows = np.flatnonzero(every.any(axis=0))
        told = [self._told(fired_here.tobytes()) for fired_here in np.ascontiguousarray(every[:, rows].T)]
        return Verdict(floors, advice, rows, [names for names, _ in told], [codes for _, codes in told])

    @cached_property
    def _told(self) -> Callable[[bytes], tuple[list[str], list[str]]]:
        """Names and reason codes of the rules that fired, one byte each; most payments are hit by few sets of them."""
        return lru_cache(_SETS_KEPT)(self._names_and_codes)

    def _names_and_codes(self, fired: bytes) -> tuple[list[str], list[str]]:
        places = np.flatnonzero(np.frombuffer(fired, np.bool_)).tolist()
        strongest = sorted(
            (at for at in places if self._live[at]), key=lambda at: (-self._floors[at], -self._advice[at])
        )
        codes = list(dict.fromkeys(self.rules.rules[at].reason_code for at in strongest))
        return [self._names[at] for at in places], codes

    @cached_property
    def _sieve(self) -> Sieve:
        return Sieve([compiled.bounds for compiled in self.rules.conditions], self._days)

    @cached_property
    def _days(self) -> list[tuple[int, int]]:
        """First and last business day of each rule on which it can hit."""
        rules = zip(self.rules.rules, self.rules.conditions, strict=True)
        return [_NO_DAYS if self._idle(compiled) else _days(rule) for rule, compiled in rules]

    def _idle(self, compiled: Compiled) -> bool:
        empty = {name for name, entries in self.lists.entries.items() if not entries}
        return any(group <= empty for group in compiled.list_groups)

    @cached_property
    def _live(self) -> npt.NDArray[np.bool_]:
        return np.array([rule.mode == "live" for rule in self.rules.rules], dtype=np.bool_)

    @cached_property
    def _floors(self) -> npt.NDArray[np.float64]:
        return np.array([rule.effect.score_floor or 0.0 for rule in self.rules.rules])

    @cached_property
    def _advice(self) -> npt.NDArray[np.intp]:
        stated = [rule.effect.advice or Advice.ALLOW for rule in self.rules.rules]
        return np.array([_ADVICE.index(advice) for advice in stated], dtype=np.intp)

    @cached_property
    def _names(self) -> list[str]:
        return [rule.name if rule.mode == "live" else SHADOW + rule.name for rule in self.rules.rules]


def _days(rule: Rule) -> tuple[int, int]:
    """First and last business day of the rule, in days since 1970."""
    last = _LAST_DAY if rule.until is None else rule.until.toordinal() - _EPOCH_ORDINAL
    return rule.since.toordinal() - _EPOCH_ORDINAL, last
