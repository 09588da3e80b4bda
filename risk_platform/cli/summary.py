"""What an installation holds, told in one screen: for the end of a demo."""

from dataclasses import asdict, dataclass

import duckdb
from rich.console import Console
from rich.table import Table

from risk_platform.decisions.reasons import ReasonDictionary, ReasonGroups
from risk_platform.lake.lake import Lake
from risk_platform.models.metric_titles import METRIC_TITLES

_SHOWN_METRICS = (
    "average_precision",
    "roc_auc",
    "card_precision_at_100",
    "recall_at_1pct_fpr",
    "brier_skill",
    "calibration_slope",
)
_ADDRESSES = (
    ("risk desk", "http://127.0.0.1:8501"),
    ("service", "http://127.0.0.1:8000/docs"),
    ("Dagster", "http://127.0.0.1:3000"),
    ("MLflow", "http://127.0.0.1:5000"),
)


@dataclass(frozen=True)
class Quality:
    """One metric of the latest model on its test fold, with its 95 % interval and the best of the floors."""

    metric: str
    value: float
    low: float | None
    high: float | None
    floor: float | None


@dataclass(frozen=True)
class TopAlert:
    """The decided payment with the highest score, and why."""

    source: str
    transaction_id: str
    event_time: str
    amount_minor: int
    currency: str
    score: float
    level: str
    advice: str
    reasons: list[str]


@dataclass(frozen=True)
class Summary:
    """Counts, quality and the top alert of an installation."""

    payments: int
    quarantined: dict[str, int]
    model_version: str | None
    verdict: str | None
    verdict_reason: str | None
    quality: list[Quality]
    decided: int
    levels: dict[str, int]
    alerts: dict[str, int]
    top_alert: TopAlert | None
    seconds: float

    def as_json(self) -> dict[str, object]:
        """The same facts as plain values."""
        return asdict(self)


def summarize(lake: Lake, seconds: float) -> Summary:
    """The summary of what `lake` holds; `seconds` is how long it took to make."""
    with lake.connect() as session:
        model = session.execute(
            "SELECT model_version, verdict, reason FROM model_versions ORDER BY trained_time DESC LIMIT 1"
        ).fetchone()
        champion = session.execute(
            "SELECT features FROM model_versions WHERE verdict = 'promoted' ORDER BY trained_time DESC LIMIT 1"
        ).fetchone()
        levels = _counts(session, "SELECT level, count(*) FROM decisions GROUP BY 1 ORDER BY 2 DESC")
        return Summary(
            payments=_counts(session, "SELECT 'all', count(*) FROM transactions")["all"],
            quarantined=_counts(
                session, "SELECT rule, count(*) FROM quarantine GROUP BY 1 ORDER BY 2 DESC, 1"
            ),
            model_version=model[0] if model else None,
            verdict=model[1] if model else None,
            verdict_reason=model[2] if model else None,
            quality=_quality(session, model[0]) if model else [],
            decided=sum(levels.values()),
            levels=levels,
            alerts=_counts(
                session, "SELECT level, count(*) FROM decisions WHERE alerted GROUP BY 1 ORDER BY 2 DESC"
            ),
            top_alert=_top_alert(session, champion[0]) if champion else None,
            seconds=seconds,
        )


def _counts(session: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {str(name): int(count) for name, count in session.execute(query).fetchall()}


def _quality(session: duckdb.DuckDBPyConnection, model_version: str) -> list[Quality]:
    rows = session.execute(
        'SELECT metric, "value", low, high, floor FROM model_metrics WHERE model_version = ?', [model_version]
    ).fetchall()
    found = {row[0]: Quality(*row) for row in rows}
    return [found[name] for name in _SHOWN_METRICS if name in found]


def _top_alert(session: duckdb.DuckDBPyConnection, features: list[str]) -> TopAlert | None:
    row = session.execute(
        """
        SELECT d.source, d.transaction_id, strftime(d.event_time, '%Y-%m-%d %H:%M UTC'), t.amount_minor, t.currency,
            d.score, d.level, d.advice, d.feature_values, d.attributions,
            d.reason_codes
        FROM decisions d JOIN transactions t USING (source, transaction_id)
        WHERE d.alerted AND d.attributions IS NOT NULL ORDER BY d.score DESC, d.event_time LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    values, attributions = row[8], row[9]
    dictionary = ReasonDictionary.shipped()
    groups = ReasonGroups(dictionary, features)
    ruled = [reason.sentence for code in row[10] if (reason := dictionary.rule_reason(code))]
    told = groups.told(
        [float("nan") if v is None else v for v in values], attributions[: len(features)], row[4]
    )
    return TopAlert(
        source=row[0],
        transaction_id=row[1],
        event_time=row[2],
        amount_minor=row[3],
        currency=row[4],
        score=row[5],
        level=row[6],
        advice=row[7],
        reasons=(ruled + [reason.sentence for reason in told if reason.attribution > 0])[:4],
    )


def print_summary(summary: Summary, console: Console) -> None:
    """Print the summary as a person would want to read it."""
    console.rule("[bold]What the platform saw")
    refused = ", ".join(f"{rule} {count}" for rule, count in summary.quarantined.items()) or "none"
    console.print(f"Payments     {summary.payments:,}", highlight=False, soft_wrap=True)
    console.print(
        f"Quarantined  {sum(summary.quarantined.values()):,}: {refused}", highlight=False, soft_wrap=True
    )
    console.print(
        f"Model        version {summary.model_version}: {summary.verdict}, {summary.verdict_reason}",
        highlight=False,
    )
    console.print(_quality_table(summary.quality))
    alerts = ", ".join(f"{level} {count:,}" for level, count in summary.alerts.items()) or "none"
    console.print(
        f"Decided      {summary.decided:,} payments; alerts: {alerts}", highlight=False, soft_wrap=True
    )
    if summary.top_alert:
        _print_alert(summary.top_alert, console)
    console.rule("[bold]Where to look next")
    console.print("[bold]make up[/bold] starts all of it, and Ctrl-C stops it:", highlight=False)
    for name, address in _ADDRESSES:
        console.print(f"{name:<12} {address}", highlight=False, soft_wrap=True)
    console.print("risk-platform --help lists everything else.", highlight=False)
    console.print(f"[dim]{summary.seconds:.0f} s[/dim]", highlight=False, soft_wrap=True)


def _quality_table(quality: list[Quality]) -> Table:
    table = Table("metric on the test fold", "value", "95 % interval", "best floor")
    for entry in quality:
        interval = "" if entry.low is None or entry.high is None else f"{entry.low:.3f} – {entry.high:.3f}"
        table.add_row(
            METRIC_TITLES[entry.metric],
            f"{entry.value:.3f}",
            interval,
            "" if entry.floor is None else f"{entry.floor:.3f}",
        )
    return table


def _print_alert(alert: TopAlert, console: Console) -> None:
    amount = f"{alert.currency} {alert.amount_minor / 100:,.2f}"
    console.print(
        f"Top alert    {alert.source}:{alert.transaction_id}, {amount}, {alert.event_time}: "
        f"score {alert.score:.3f}, {alert.level}, advice {alert.advice}",
        highlight=False,
    )
    for reason in alert.reasons:
        console.print(f"             • {reason}", highlight=False, soft_wrap=True)
