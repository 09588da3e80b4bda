"""The proof, every day anew, that the live engine and the mart compute the same."""

from datetime import date, datetime, timedelta

import dagster as dg
import pyarrow.compute as pc

from risk_platform.defs.platform import Platform, final_refusals
from risk_platform.errors import ContractError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES


@dg.asset_check(asset="payment_features", pool="features")
def engine_computes_the_same(
    context: dg.AssetCheckExecutionContext, platform: Platform
) -> dg.AssetCheckResult:
    """The online engine, replaying the last closed day, finds every feature value that the mart holds."""
    from risk_platform.features.parity import replay

    settings = platform.settings
    with final_refusals():
        day = _last_closed_day(platform.lake, datetime.now(settings.zone).date())
        found = replay(
            platform.lake,
            from_date=day,
            to_date=day,
            label_maturity=settings.label_maturity,
            timezone=settings.timezone,
        )
    context.log.info(f"{day}: {found.events:,} payments, {sum(found.mismatches.values()):,} values differ")
    return dg.AssetCheckResult(
        passed=not found.mismatches,
        metadata={
            "day": day.isoformat(),
            "payments": found.events,
            "values_compared": found.values_compared,
            "mismatches": found.mismatches,
        },
    )


@dg.asset_check(asset="payment_features", pool="features")
def live_decisions_saw_the_same(
    context: dg.AssetCheckExecutionContext, platform: Platform
) -> dg.AssetCheckResult:
    """Every value that the engine decided with on the last closed day is the value that the mart holds."""
    from risk_platform.decisions.archive import Archive
    from risk_platform.decisions.seen import compare_seen

    with final_refusals():
        day = _last_closed_day(platform.lake, datetime.now(platform.settings.zone).date())
        found = compare_seen(platform.lake, Archive.of(platform.folders), day)
    context.log.info(f"{day}: {found.decisions:,} live decisions, {found.mismatches.total():,} values differ")
    return dg.AssetCheckResult(
        passed=not found.mismatches and not found.not_in_mart,
        # History that the lake learned of after the engine began explains a difference: nothing is broken by it.
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "day": day.isoformat(),
            "live_decisions": found.decisions,
            "not_in_mart": found.not_in_mart,
            "values_compared": found.values_compared,
            "mismatches": dict(found.mismatches),
        },
    )


def _last_closed_day(lake: Lake, today: date) -> date:
    days = lake.read(
        PAYMENT_FEATURES, columns=["event_date"], filter=pc.field("event_date") <= today - timedelta(days=1)
    )
    if days.num_rows == 0:
        raise ContractError("The feature mart holds no closed day yet; build the features first.")
    last: date = pc.max(days["event_date"]).as_py()
    return last
