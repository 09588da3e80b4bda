"""Decisions on the history: what nobody decided live, by the champion, never inside its training span."""

from datetime import UTC, date, datetime

import dagster as dg
from pydantic import Field

from risk_platform.defs.partitions import DAILY, SINGLE_RUN
from risk_platform.defs.platform import Materialized, Platform, day_range, final_refusals
from risk_platform.lake.tables import DECISIONS


class DecisionsConfig(dg.Config):
    """What else is done with the decisions."""

    alerts: bool = Field(
        False,
        description="Raise their alerts in the operational store, for fresh history that nobody judged.",
    )


@dg.asset(
    deps=["payment_features", "champion", "inbox"],
    partitions_def=DAILY,
    backfill_policy=SINGLE_RUN,
    group_name="scoring",
    description=DECISIONS.description,
    kinds={"delta", "lightgbm"},
    pool="decisions",
)
def decisions(context: dg.AssetExecutionContext, config: DecisionsConfig, platform: Platform) -> Materialized:
    """Score, level, advice and, unless LOW, attributions and reason codes."""
    from risk_platform.decisions.archive import Archive, current_rule_book
    from risk_platform.decisions.batch import decide_range
    from risk_platform.decisions.engine import DecisionEngine
    from risk_platform.decisions.levels import Thresholds
    from risk_platform.decisions.reasons import ReasonDictionary
    from risk_platform.features.spec import load_feature_spec
    from risk_platform.models.champion import has_champion, load_champion

    first, last = day_range(context)
    if not has_champion(platform.folders.bundles):
        context.log.warning("Nothing is decided: no model was promoted yet.")
        return dg.MaterializeResult(metadata={"dagster/partition_row_count": 0})
    with final_refusals():
        bundle = load_champion(platform.folders.bundles)
        thresholds, reasons = Thresholds.from_settings(platform.settings), ReasonDictionary.shipped()
        rules = current_rule_book(platform.folders, load_feature_spec().names, reasons)
        Archive.of(platform.folders).keep(rules, thresholds)
        engine = DecisionEngine(bundle, thresholds, reasons, rules)
        counts = decide_range(platform.lake, engine, bundle.trained_on, first, last, datetime.now(UTC))
        raised = _raised(platform, first, last) if config.alerts else 0
    alerts = sum(counts.alerts.values())
    context.log.info(f"{counts.decided:,} payments decided, {alerts:,} alerts")
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": counts.decided,
            "alerts": alerts,
            "alerts_raised": raised,
            "skipped_in_training_span": counts.skipped_training_span,
            "decided_before": counts.already_decided,
            "levels": counts.levels,
            "degraded": dict(counts.degraded),
            "rule_hits": dict(counts.rule_hits),
            "champion": bundle.hash,
        }
    )


def _raised(platform: Platform, first: date, last: date) -> int:
    from risk_platform.intake.events import micros
    from risk_platform.intake.history_alerts import raise_for_days
    from risk_platform.operations.database import database_url

    url = database_url(platform.settings.database_url, platform.folders.root)
    return raise_for_days(platform.lake, url, first, last, micros(datetime.now(UTC)))
