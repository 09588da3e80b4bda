"""The contract: raw payments become transactions, every expectation on them an asset check."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from risk_platform.defs.partitions import DAILY, SINGLE_RUN
from risk_platform.defs.platform import Materialized, Platform, day_range, final_refusals
from risk_platform.lake.contract import build_transactions, check_batch
from risk_platform.lake.tables import DATA_QUALITY, TRANSACTIONS
from risk_platform.transactions.expectations import TABLE_EXPECTATIONS, ExpectationResult
from risk_platform.transactions.rules import load_row_rules


def check_specs() -> list[dg.AssetCheckSpec]:
    """One check per expectation: those of the table as a whole block what follows, row rules flag."""
    whole = [
        dg.AssetCheckSpec(name, asset="transactions", description=description, blocking=True)
        for name, description in TABLE_EXPECTATIONS.items()
    ]
    rows = [
        dg.AssetCheckSpec(rule.name, asset="transactions", description=rule.description)
        for rule in load_row_rules("payments")
    ]
    return whole + rows


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            "transactions", deps=["raw_transactions"], description=TRANSACTIONS.description, kinds={"delta"}
        ),
        dg.AssetSpec(
            "data_quality",
            deps=["raw_transactions"],
            description=DATA_QUALITY.description,
            kinds={"delta", "greatexpectations"},
        ),
    ],
    check_specs=check_specs(),
    partitions_def=DAILY,
    backfill_policy=SINGLE_RUN,
    group_name="contract",
    pool="contract",
)
def contract(
    context: dg.AssetExecutionContext, platform: Platform
) -> Iterator[Materialized | dg.AssetCheckResult]:
    """Flag what breaks today's rules, check the batch, write its report."""
    first, last = day_range(context)
    lake, zone, docs, now = (
        platform.lake,
        platform.settings.timezone,
        platform.folders.data_docs,
        datetime.now(UTC),
    )
    with final_refusals():
        built = build_transactions(lake, first, last, now=now)
        context.log.info(f"{built.payments:,} payments, now held to {len(check_specs())} expectations")
        results = check_batch(lake, first, last, docs, timezone=zone, now=now)
    yield dg.MaterializeResult(
        "transactions",
        metadata={"dagster/partition_row_count": built.payments, "flagged_by_rule": built.flagged},
    )
    report = docs / f"contract_{first.isoformat()}_{last.isoformat()}.html"
    yield dg.MaterializeResult(
        "data_quality",
        metadata={
            "expectations": len(results),
            "broken": sum(not result.success for result in results),
            "report": dg.MetadataValue.url(report.as_uri()),
        },
    )
    yield from map(check_result, results)


def check_result(result: ExpectationResult) -> dg.AssetCheckResult:
    """An expectation's result as Dagster shows it."""
    return dg.AssetCheckResult(
        asset_key="transactions",
        check_name=result.expectation,
        passed=result.success,
        severity=dg.AssetCheckSeverity.ERROR if result.blocking else dg.AssetCheckSeverity.WARN,
        description=result.observed,
        metadata={"rows": result.row_count, "broken_by": result.unexpected_count},
    )
