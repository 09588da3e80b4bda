"""Rows that a real feed gets wrong now and then, for showing what the door does with them."""

from pathlib import Path

import polars as pl

# What goes wrong in practice: column, and the value that stands there instead.
_FAULTS = (
    ("amount_minor", "-4500"),
    ("amount_minor", "NaN"),
    ("currency", "RUPEE"),
    ("channel", "PIGEON"),
    ("event_time", "31/02/2026 25:61"),
    ("event_time", "2099-12-31T00:00:00Z"),
    ("customer_id", ""),
    ("latitude", "912.4"),
    ("status", "maybe"),
    # An identifier that is taken, with another amount: the first one stays.
    ("transaction_id", None),
)


def write_spoiled_rows(payments: Path, out: Path, repeats: int = 3) -> int:
    """Write `repeats` spoiled rows of each fault, made from the first rows of `payments`; returns their number."""
    count = repeats * len(_FAULTS)
    rows = pl.read_parquet(payments, n_rows=count).with_columns(pl.all().cast(pl.String))
    spoiled = [_spoil(rows[number], number) for number in range(rows.height)]
    pl.concat(spoiled).write_csv(out)
    return len(spoiled)


def _spoil(row: pl.DataFrame, number: int) -> pl.DataFrame:
    column, value = _FAULTS[number % len(_FAULTS)]
    if value is None:
        return row.with_columns(amount_minor=pl.lit("1"))
    return row.with_columns(pl.lit(value).alias(column), pl.lit(f"SPOILED{number}").alias("transaction_id"))
