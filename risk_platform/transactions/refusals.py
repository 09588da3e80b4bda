"""Refused rows on their way to quarantine: which line, which rule, which column, which value."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

LONGEST_VALUE = 200

REFUSAL_SCHEMA = pl.Schema(
    {
        "source_line": pl.Int64,
        "transaction_id": pl.String,
        "rule": pl.String,
        "column": pl.String,
        "value": pl.String,
    }
)


@dataclass(frozen=True)
class Break:
    """Rows that break one rule: `rows` is a boolean series as long as the batch."""

    rule: str
    column: str
    rows: pl.Series


def first_breaks(breaks: Iterable[Break], height: int) -> list[Break]:
    """The breaks with every row only in the first one that names it; those left empty are dropped."""
    taken = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
    first = []
    for item in breaks:
        rows = item.rows.fill_null(False)
        if not rows.any():
            continue
        fresh = rows & ~taken
        taken = taken | rows
        if fresh.any():
            first.append(Break(item.rule, item.column, fresh))
    return first


def without(frame: pl.DataFrame, breaks: Iterable[Break]) -> pl.DataFrame:
    """The rows that break nothing."""
    kept = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True)
    for item in breaks:
        kept = kept & ~item.rows.fill_null(False)
    return frame.filter(kept)


def cut(values: pl.Series) -> pl.Series:
    """Values as text of at most 200 characters."""
    return values.cast(pl.String).str.slice(0, LONGEST_VALUE)
