"""The contract over the lake: raw payments become transactions, and every batch of them is checked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY, RAW_TRANSACTIONS, TRANSACTIONS
from risk_platform.transactions.canonical import PAYMENTS
from risk_platform.transactions.contract import BROKEN_RULES, with_broken_rules
from risk_platform.transactions.contract_report import write_report
from risk_platform.transactions.expectations import ExpectationResult, merged, validate_batch
from risk_platform.transactions.rules import load_row_rules

_BATCH_ROWS = 131_072
_CHECKED_ROWS = 500_000


@dataclass
class BuiltTransactions:
    """Payments of a batch, and how many of them break each of today's rules."""

    payments: int = 0
    flagged: dict[str, int] = field(default_factory=dict)


def build_transactions(lake: Lake, from_date: date, to_date: date, *, now: datetime) -> BuiltTransactions:
    """Replace `transactions` from `from_date` to `to_date`, both included, by the raw payments of those days.

    Every payment stays; the rules it breaks today are named in `broken_rules`. `now` is the instant of
    checking.
    """
    built = BuiltTransactions()
    dataset = lake.dataset(RAW_TRANSACTIONS)
    columns = list(TRANSACTIONS.column_names[:-1])
    batches = dataset.to_batches(columns=columns, filter=_days(from_date, to_date), batch_size=_BATCH_ROWS)
    reader = pa.RecordBatchReader.from_batches(TRANSACTIONS.schema, _flagged(batches, built, now))
    lake.replace_range(TRANSACTIONS, reader, from_date, to_date)
    return built


def check_batch(
    lake: Lake, from_date: date, to_date: date, docs_dir: Path, *, timezone: str, now: datetime
) -> list[ExpectationResult]:
    """Hold the `transactions` of those days to the contract, with Great Expectations.

    The results go to `data_quality`, a line per day and expectation, and as a page into `docs_dir`. Where a
    blocking one failed, the data must not flow on. `timezone` is the one of business days.
    """
    rules = load_row_rules("payments")
    columns = list(TRANSACTIONS.column_names[:-1])
    parts = []
    for first, last in _parts(lake, from_date, to_date):
        rows = lake.read(TRANSACTIONS, columns=columns, filter=_days(first, last))
        batch = pl.DataFrame(pl.from_arrow(rows))
        parts.append(validate_batch(batch, rules, PAYMENTS, timezone=timezone, now=now))
    results = merged(parts)
    lake.replace_range(DATA_QUALITY, _quality_rows(results), from_date, to_date)
    write_report(results, docs_dir, from_date=from_date, to_date=to_date, checked=now)
    return results


def _parts(lake: Lake, from_date: date, to_date: date) -> list[tuple[date, date]]:
    """The days in stretches of `_CHECKED_ROWS` payments or so: memory does not grow with the history."""
    days = lake.read(TRANSACTIONS, columns=["event_date"], filter=_days(from_date, to_date))["event_date"]
    counts = sorted((item["values"], item["counts"]) for item in days.value_counts().to_pylist())
    parts: list[tuple[date, date]] = []
    first, rows = from_date, 0
    for day, count in counts:
        if rows and rows + count > _CHECKED_ROWS:
            parts.append((first, day - timedelta(days=1)))
            first, rows = day, 0
        rows += count
    return [*parts, (first, to_date)]


def _flagged(
    batches: Iterator[pa.RecordBatch], built: BuiltTransactions, now: datetime
) -> Iterator[pa.RecordBatch]:
    rules = load_row_rules("payments")
    for batch in batches:
        flagged = with_broken_rules(pl.DataFrame(pl.from_arrow(batch)), rules, now)
        built.payments += flagged.height
        counts = flagged[BROKEN_RULES].explode().drop_nulls().alias("rule").value_counts()
        for rule, count in counts.iter_rows():
            built.flagged[rule] = built.flagged.get(rule, 0) + count
        table = flagged.to_arrow(compat_level=pl.CompatLevel.oldest())
        yield from table.cast(TRANSACTIONS.schema).to_batches()


def _quality_rows(results: list[ExpectationResult]) -> pa.Table:
    rows = [
        {
            "event_date": day,
            "expectation": result.expectation,
            "success": not result.unexpected_by_day.get(day, 0),
            "observed": result.observed,
            "row_count": count,
            "unexpected_count": result.unexpected_by_day.get(day, 0),
        }
        for result in results
        for day, count in result.rows_by_day.items()
    ]
    return pa.Table.from_pylist(rows, schema=DATA_QUALITY.schema)


def _days(from_date: date, to_date: date) -> pc.Expression:
    return (pc.field("event_date") >= from_date) & (pc.field("event_date") <= to_date)
