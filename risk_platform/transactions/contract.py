"""Accepted payments under today's rules: flagged where they break one, never removed."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from risk_platform.transactions.door import Door
from risk_platform.transactions.rules import RowRule

BROKEN_RULES = "broken_rules"


def with_broken_rules(payments: pl.DataFrame, rules: Sequence[RowRule], now: datetime) -> pl.DataFrame:
    """The payments with `broken_rules`, the names of the rules each one breaks, in the order of the rules."""
    flags = Door(rules).flags(payments, now)
    names = [pl.when(name).then(pl.lit(name)) for name in flags.columns if flags[name].any()]
    if not names:
        nothing = pl.Series(BROKEN_RULES, [[]], dtype=pl.List(pl.String))
        return payments.with_columns(nothing.new_from_index(0, payments.height))
    broken = flags.select(pl.concat_list(names).list.drop_nulls().alias(BROKEN_RULES))
    return payments.with_columns(broken.to_series())
