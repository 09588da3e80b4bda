"""The contract as a Great Expectations suite: the row rules, and what must hold of a batch as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from risk_platform.errors import ContractError
from risk_platform.transactions.canonical import Record
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

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

ROWS_PRESENT = "rows_present"
KEY_UNIQUE = "key_unique"
EVENT_DATE_MATCHES = "event_date_matches_event_time"
TABLE_EXPECTATIONS = {
    ROWS_PRESENT: "The batch has at least one row.",
    KEY_UNIQUE: "No two rows have the same key.",
    EVENT_DATE_MATCHES: "The event date is the business day of the event time, as first written.",
}
_BUSINESS_DATE = "business_date"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RESULT_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 5}
_LARGEST_DOUBLE = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class ExpectationResult:
    """What one expectation found in one batch.

    `blocking` ones hold of the table as a whole: where they fail the data must not flow on. `unexpected_rows`
    are positions in the batch, `rows_by_day` and `unexpected_by_day` the same counts by event date.
    """

    expectation: str
    description: str
    blocking: bool
    success: bool
    observed: str
    row_count: int
    unexpected_count: int
    unexpected_rows: tuple[int, ...] = ()
    rows_by_day: dict[date, int] = field(default_factory=dict)
    unexpected_by_day: dict[date, int] = field(default_factory=dict)


def validate_batch(
    batch: pl.DataFrame, rules: Sequence[RowRule], record: Record, *, timezone: str, now: datetime
) -> list[ExpectationResult]:
    """What every expectation found in a batch of canonical rows: those of the table first, then the rules.

    `batch` has the columns the rules speak of and `event_date` if it is of payments. Raises ContractError
    when an expectation cannot be evaluated at all.
    """
    expectations = [*_table_expectations(batch, record), *(_expectation(rule, now) for rule in rules)]
    outcomes = _run(_pandas_batch(batch, rules, record, timezone), expectations)
    descriptions = {rule.name: rule.description for rule in rules}
    days = batch["event_date"] if "event_date" in batch.columns else None
    return [_result(outcome, descriptions, batch.height, days) for outcome in outcomes]


def merged(parts: Sequence[Sequence[ExpectationResult]]) -> list[ExpectationResult]:
    """The results of a batch that was validated in parts of whole days; positions of rows are not kept."""
    return [_merged(results) for results in zip(*parts, strict=True)]


def _merged(results: Sequence[ExpectationResult]) -> ExpectationResult:
    broken = [result.observed for result in results if not result.success]
    rows = sum(result.row_count for result in results)
    return replace(
        results[0],
        success=not broken,
        observed="; ".join(broken) or _none_breaks(rows),
        row_count=rows,
        unexpected_count=sum(result.unexpected_count for result in results),
        unexpected_rows=(),
        rows_by_day=dict(pair for result in results for pair in result.rows_by_day.items()),
        unexpected_by_day=dict(pair for result in results for pair in result.unexpected_by_day.items()),
    )


def expectation_names(rules: Iterable[RowRule]) -> tuple[str, ...]:
    """Every expectation on a batch of payments in the order of their results."""
    return (*TABLE_EXPECTATIONS, *(rule.name for rule in rules))


def _run(frame: pd.DataFrame, expectations: list[Expectation]) -> list[Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    definition = context.data_sources.add_pandas("lake").add_dataframe_asset("rows")
    batch = definition.add_batch_definition_whole_dataframe("batch").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name="contract", expectations=expectations)
    outcome = batch.validate(suite, result_format=_RESULT_FORMAT)
    results: list[Any] = list(outcome.results)
    found = {item.expectation_config.meta["rule"]: item for item in results}
    return [found[(expectation.meta or {})["rule"]] for expectation in expectations]


def _table_expectations(batch: pl.DataFrame, record: Record) -> list[Expectation]:
    kinds = _vocabulary()
    key = list(record.key)
    unique = (
        kinds.ExpectColumnValuesToBeUnique(column=key[0], meta={"rule": KEY_UNIQUE})
        if len(key) == 1
        else kinds.ExpectCompoundColumnsToBeUnique(column_list=key, meta={"rule": KEY_UNIQUE})
    )
    present = kinds.ExpectTableRowCountToBeBetween(min_value=1, meta={"rule": ROWS_PRESENT})
    if "event_date" not in batch.columns:
        return [present, unique]
    matches = kinds.ExpectColumnPairValuesToBeEqual(
        column_A="event_date", column_B=_BUSINESS_DATE, meta={"rule": EVENT_DATE_MATCHES}
    )
    return [present, unique, matches]


def _expectation(rule: RowRule, now: datetime) -> Expectation:
    """The rule in the words of Great Expectations."""
    name, arguments = _words(rule, now)
    meta = {"rule": rule.name, "since": rule.since.isoformat()}
    expectation: Expectation = getattr(_vocabulary(), name)(meta=meta, **arguments)
    return expectation


def _words(rule: RowRule, now: datetime) -> tuple[str, dict[str, Any]]:
    """Name and arguments of the expectation that says the same; times are microseconds."""
    column = {"column": rule.column}
    match rule:
        case NotNull():
            return "ExpectColumnValuesToNotBeNull", column
        case OneOf():
            return "ExpectColumnValuesToBeInSet", column | {"value_set": list(rule.values)}
        case Between():
            low, high = map(_number, rule.bounds)
            return "ExpectColumnValuesToBeBetween", column | {"min_value": low, "max_value": high}
        case Matches():
            # Python's $ also matches before a last line break.
            return "ExpectColumnValuesToMatchRegex", column | {"regex": rf"^(?:{rule.pattern})(?![\s\S])"}
        case MaxLength():
            return "ExpectColumnValueLengthsToBeBetween", column | {"max_value": rule.max}
        case Finite():
            limits = {"min_value": -_LARGEST_DOUBLE, "max_value": _LARGEST_DOUBLE}
            return "ExpectColumnValuesToBeBetween", column | limits
        case Positive():
            return "ExpectColumnValuesToBeBetween", column | {"min_value": 0, "strict_min": True}
        case NotAfter():
            return _words_not_after(rule, now)


def _words_not_after(rule: NotAfter, now: datetime) -> tuple[str, dict[str, Any]]:
    if rule.bound == NOW:
        latest = _number(now + rule.slack)
        return "ExpectColumnValuesToBeBetween", {"column": rule.column, "max_value": latest}
    return "ExpectColumnPairValuesAToBeGreaterThanB", {
        "column_A": _latest_column(rule),
        "column_B": rule.column,
        "or_equal": True,
        "ignore_row_if": "either_value_is_missing",
    }


def _vocabulary() -> Any:
    import great_expectations.expectations

    return great_expectations.expectations


def _pandas_batch(
    batch: pl.DataFrame, rules: Sequence[RowRule], record: Record, timezone: str
) -> pd.DataFrame:
    """The columns the suite looks at; times as microseconds, which compare fast."""
    wanted = dict.fromkeys((*record.key, *(rule.column for rule in rules)))
    bounds = [rule for rule in rules if isinstance(rule, NotAfter) and rule.bound != NOW]
    columns = [pl.col(name) for name in wanted]
    columns += [(pl.col(rule.bound) + rule.slack).alias(_latest_column(rule)) for rule in bounds]
    if "event_date" in batch.columns:
        columns.append(pl.col("event_date"))
        columns.append(pl.col("event_time").dt.convert_time_zone(timezone).dt.date().alias(_BUSINESS_DATE))
    frame = batch.select(columns)
    frame = frame.with_columns(pl.col(pl.Datetime).dt.epoch("us"), pl.col(pl.Date).to_physical())
    converted: pd.DataFrame = frame.to_arrow().to_pandas(types_mapper=_nullable_integers)
    return converted


def _nullable_integers(kind: Any) -> Any:
    import pandas as pd
    import pyarrow as pa

    return pd.Int64Dtype() if pa.types.is_integer(kind) else None


def _result(
    outcome: Any, descriptions: dict[str, str], height: int, days: pl.Series | None
) -> ExpectationResult:
    name = outcome.expectation_config.meta["rule"]
    if outcome.exception_info.get("raised_exception"):
        raise ContractError(
            f"Expectation {name} cannot be evaluated: {outcome.exception_info['exception_message']}."
        )
    rows = tuple(int(row) for row in outcome.result.get("unexpected_index_list") or ())
    unexpected = int(outcome.result.get("unexpected_count", 0))
    return ExpectationResult(
        expectation=name,
        description=descriptions.get(name) or TABLE_EXPECTATIONS[name],
        blocking=name in TABLE_EXPECTATIONS,
        success=bool(outcome.success),
        observed=_observed(outcome.result, height, unexpected),
        row_count=height,
        unexpected_count=unexpected,
        unexpected_rows=rows,
        rows_by_day=_by_day(days),
        unexpected_by_day=_by_day(None if days is None else days[list(rows)]),
    )


def _observed(result: dict[str, Any], height: int, unexpected: int) -> str:
    if not unexpected:
        return _none_breaks(height)
    values = [str(value)[:80] for value in result.get("partial_unexpected_list", [])]
    return f"{unexpected} of {height} rows break it, such as {', '.join(values)}"


def _none_breaks(rows: int) -> str:
    return f"{rows} rows, none breaks it"


def _by_day(days: pl.Series | None) -> dict[date, int]:
    if days is None:
        return {}
    counts = days.alias("day").value_counts()
    return dict(sorted(zip(counts["day"].to_list(), counts["count"].to_list(), strict=True)))


def _latest_column(rule: NotAfter) -> str:
    return f"{rule.bound}_plus_{rule.slack // timedelta(microseconds=1)}"


def _number(bound: float | datetime) -> float | int:
    return (bound - _EPOCH) // timedelta(microseconds=1) if isinstance(bound, datetime) else bound
