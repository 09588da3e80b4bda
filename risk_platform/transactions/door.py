"""The validator at the door: the row rules as Polars expressions, for millions of rows or for one."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from risk_platform.transactions.refusals import Break
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
)
from risk_platform.transactions.times import INSTANT


class Door:
    """Row rules ready to be held against canonical frames.

    Frames hold each column the rules speak of in its canonical type; a missing number is null, never NaN.
    """

    def __init__(self, rules: Iterable[RowRule]) -> None:
        self._rules = tuple(rules)
        self._broken = [_broken(rule).fill_null(False).alias(rule.name) for rule in self._rules]

    def breaks(self, frame: pl.DataFrame, now: datetime) -> list[Break]:
        """The rules that some row breaks, in the order of the rules; `now` is the instant of checking."""
        broken = self.flags(frame, now)
        return [
            Break(rule.name, rule.column, broken[rule.name])
            for rule in self._rules
            if broken[rule.name].any()
        ]

    def flags(self, frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """One boolean column for each rule, true where the row breaks it."""
        return frame.with_columns(pl.lit(now).cast(INSTANT).alias(NOW)).select(self._broken)


def _broken(rule: RowRule) -> pl.Expr:
    value = pl.col(rule.column)
    match rule:
        case NotNull():
            return value.is_null()
        case OneOf():
            return ~value.is_in(list(rule.values))
        case Between():
            low, high = rule.bounds
            return ~value.is_between(pl.lit(low), pl.lit(high))
        case Matches():
            return ~value.str.contains(rf"\A(?:{rule.pattern})\z")
        case MaxLength():
            return value.str.len_chars() > rule.max
        case Finite():
            return ~value.is_finite()
        case Positive():
            return value <= 0
        case NotAfter():
            return value > pl.col(rule.bound) + rule.slack
