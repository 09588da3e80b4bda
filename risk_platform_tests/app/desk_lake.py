"""A small real lake for the risk desk: 14 days of 30 payments, the second week decided."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from risk_platform.decisions.batch import decide_range
from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import (
    DATA_QUALITY,
    FEATURE_IMPORTANCES,
    INGESTED_FILES,
    JUDGEMENTS,
    MODEL_METRICS,
    MODEL_VERSIONS,
    PAYMENT_FEATURES,
    QUARANTINE,
    TRANSACTIONS,
)
from risk_platform.models.bundle import Bundle
from risk_platform.settings import Settings
from risk_platform_tests.decisions.small_model import rule_book, train_small_model

FIRST, DAYS, PER_DAY = date(2026, 3, 1), 14, 30
TRAINED_TO = date(2026, 3, 7)
LAST = FIRST + timedelta(days=DAYS - 1)
NIGHT = datetime(2026, 3, 15, 1, tzinfo=UTC)
CHANNELS = ("UPI", "CARD", "IMPS")
CITIES = ("Mumbai", "Pune", "Delhi", None)
FRAUDS = (4, 14, 24)

DESK_RULES = """\
degraded_level: MEDIUM
rules: []
"""

Row = dict[str, object]


def rows_of(table: Table, rows: list[Row]) -> pa.Table:
    """`rows` in the registry's schema, null where a row says nothing."""
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in table.column_names} for row in rows], table.schema
    )


def payment(day: int, at: int) -> Row:
    """Payment `at` of day `day`: ₹100 to ₹390 in steps of ₹10, or ₹5,000 for the frauds."""
    moment = datetime(FIRST.year, FIRST.month, FIRST.day, 4, tzinfo=UTC) + timedelta(
        days=day, minutes=25 * at
    )
    return {
        "source": "test",
        "transaction_id": f"T{day:02d}{at:02d}",
        "partition": 0,
        "event_time": moment,
        "event_date": FIRST + timedelta(days=day),
        "known_time": moment,
        "kind": "purchase",
        "status": "completed",
        "customer_id": f"C{at % 10:02d}",
        "counterparty_id": f"M{(at + day) % 7:02d}",
        "counterparty_type": "merchant",
        "amount_minor": 500_000 if at in FRAUDS else 10_000 + 1_000 * at,
        "currency": "INR",
        "channel": CHANNELS[at % 3],
        "city": CITIES[at % 4],
        "broken_rules": [],
    }


def build_desk_lake(root: Path) -> Lake:
    """Write every table that the desk reads below `root`."""
    lake = Lake(str(root))
    payments = [payment(day, at) for day in range(DAYS) for at in range(PER_DAY)]
    lake.replace_range(TRANSACTIONS, rows_of(TRANSACTIONS, payments), FIRST, LAST)
    lake.replace_range(PAYMENT_FEATURES, features(payments), FIRST, LAST)
    bundle = train_small_model(TRAINED_TO)
    write_model(lake, bundle)
    thresholds = Thresholds.from_settings(Settings(_env_file=None))  # type: ignore[call-arg]
    engine = DecisionEngine(bundle, thresholds, ReasonDictionary.shipped(), rule_book(DESK_RULES))
    decide_range(lake, engine, bundle.trained_on, FIRST, LAST, NIGHT)
    write_judgements(lake)
    write_intake(lake)
    return lake


def features(payments: list[Row]) -> pa.Table:
    """Features of the small model: the amount, and 9 times the own mean for the frauds."""
    keys = ("source", "transaction_id", "event_time", "event_date", "known_time")
    table = rows_of(PAYMENT_FEATURES, [{name: row[name] for name in keys} for row in payments])
    amounts = [float(str(row["amount_minor"])) for row in payments]
    table = table.append_column("amount", pa.array(amounts))
    ratios = [9.0 if amount == 500_000 else 1.0 for amount in amounts]
    return table.append_column("customer_amount_to_mean_90d", pa.array(ratios))


def write_judgements(lake: Lake) -> None:
    """Of the alerts of 8 and 9 March five were reported as fraud and one found genuine."""
    rows: list[Row] = [
        {
            "judgement_id": f"J{day}{at}",
            "source": "test",
            "transaction_id": f"T{day:02d}{at:02d}",
            "is_fraud": (day, at) != (8, 24),
            "known_time": NIGHT,
            "judged_by": "analyst",
        }
        for day in (7, 8)
        for at in FRAUDS
    ]
    lake.insert_if_absent(JUDGEMENTS, rows_of(JUDGEMENTS, rows))


def write_intake(lake: Lake) -> None:
    """One file of 428 rows, 7 of them refused, and two expectations of which one is broken."""
    file: Row = {"file_id": "f1", "file_name": "march.csv", "mapping": "canonical", "ingested_time": NIGHT}
    counts: Row = {"read": 428, "accepted": 420, "quarantined": 7, "duplicates": 1}
    lake.insert_if_absent(INGESTED_FILES, rows_of(INGESTED_FILES, [file | counts]))
    refused: Row = {"file_id": "f1", "file_name": "march.csv", "source": "test", "quarantined_time": NIGHT}
    rules = ["amount_is_positive"] * 5 + ["event_time_is_past"] * 2
    rows = [
        refused | {"source_line": line, "record_kind": "payments", "rule": rule}
        for line, rule in enumerate(rules, 421)
    ]
    lake.insert_if_absent(QUARANTINE, rows_of(QUARANTINE, rows))
    results: list[Row] = [
        {
            "event_date": LAST,
            "expectation": name,
            "success": missed == 0,
            "observed": f"{missed} of 30 rows",
            "row_count": 30,
            "unexpected_count": missed,
        }
        for name, missed in (("amount_is_positive", 0), ("city_is_known", 7))
    ]
    lake.replace_range(DATA_QUALITY, rows_of(DATA_QUALITY, results), LAST, LAST)


def write_model(lake: Lake, bundle: Bundle) -> None:
    """Two versions: the first promoted, the second refused as no better."""
    lake.replace(MODEL_VERSIONS, rows_of(MODEL_VERSIONS, model_versions(bundle)))
    lake.replace(MODEL_METRICS, rows_of(MODEL_METRICS, model_metrics()))
    strengths: list[Row] = [
        {"model_version": version, "feature": feature, "mean_abs_shap": 0.8 / rank, "rank": rank}
        for version in ("1", "2")
        for rank, feature in enumerate(bundle.features, 1)
    ]
    lake.replace(FEATURE_IMPORTANCES, rows_of(FEATURE_IMPORTANCES, strengths))


def model_versions(bundle: Bundle) -> list[Row]:
    """What was trained a day after the other on the same days, and the verdicts."""
    trained = datetime(2026, 3, 8, 1, tzinfo=UTC)
    days: Row = {"as_of": trained, "train_from": FIRST, "train_to": TRAINED_TO}
    common = days | {"features": list(bundle.features)}
    promoted: Row = {
        "model_version": "1",
        "run_id": "run1",
        "trained_time": trained,
        "verdict": "promoted",
        "reason": "It beats every floor.",
        "bundle_hash": bundle.hash,
    }
    refused: Row = {
        "model_version": "2",
        "run_id": "run2",
        "trained_time": trained + timedelta(days=1),
        "verdict": "refused",
        "reason": "No better than version 1 beyond noise.",
        "bundle_hash": "c" * 64,
    }
    return [common | promoted, common | refused]


def model_metrics() -> list[Row]:
    """Metrics of both versions, of which the second ranks a little better; 0.02 of doubt to each side."""
    return [
        {
            "model_version": version,
            "metric": metric,
            "value": value,
            "low": value - 0.02,
            "high": value + 0.02,
            "floor": floor,
        }
        for version, better in (("1", 0.0), ("2", 0.003))
        for metric, value, floor in (
            ("accuracy", 0.99, None),
            ("average_precision", 0.751 + better, 0.12),
            ("roc_auc", 0.952 + better, 0.61),
            ("card_precision_at_100", 0.31, 0.05),
            ("card_precision_at_100_ceiling", 0.42, None),
            ("recall_at_1pct_fpr", 0.77, 0.2),
            ("brier_skill", 0.52, 0.0),
            ("calibration_slope", 1.02, None),
        )
    ]
