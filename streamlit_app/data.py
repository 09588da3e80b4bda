"""Every question the risk desk asks of the lake; money in minor units, times in UTC."""

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pandas as pd

from streamlit_app.snapshot import ask, frame
from streamlit_app.values import AlertFilter, Decision, Moments, PaymentKey, Period

ALERT_ROWS = 500
_VERDICTS = """
    verdicts as (
        select source, transaction_id, arg_max(is_fraud, known_time) as is_fraud
        from judgements group by source, transaction_id
    )
"""
_VERSIONS = """
    select bundle_hash, max(model_version) as model_version, arg_max(features, trained_time) as features
    from model_versions group by bundle_hash
"""


def span() -> Period | None:
    """The first and last business day with payments; None while there are none."""
    [row] = ask("select min(event_date) as first, max(event_date) as last from transactions").to_pylist()
    return None if row["first"] is None else Period(**row)


def currency() -> str:
    """The currency of the lake (it has one)."""
    rows = ask("select currency from transactions limit 1")["currency"].to_pylist()
    return str(rows[0]) if rows else "INR"


def daily(period: Period) -> pd.DataFrame:
    """One row per day with payments: event_date, payments, amount_minor, decided, alerts."""
    return frame(
        """
        with paid as (
            select event_date, count(*) as payments, sum(amount_minor)::bigint as amount_minor
            from transactions where event_date between $first and $last group by event_date
        ),
        decided as (
            select event_date, count(*) as decided, count(*) filter (where alerted) as alerts
            from decisions where event_date between $first and $last group by event_date
        )
        select event_date, payments, amount_minor,
            coalesce(decided, 0) as decided, coalesce(alerts, 0) as alerts
        from paid left join decided using (event_date) order by event_date
        """,
        first=period.first,
        last=period.last,
    )


def levels(period: Period) -> pd.DataFrame:
    """Decisions and alerts per level: level, decisions, alerts."""
    return frame(
        """
        select level, count(*) as decisions, count(*) filter (where alerted) as alerts
        from decisions where event_date between $first and $last group by level
        """,
        first=period.first,
        last=period.last,
    )


def channels(period: Period) -> pd.DataFrame:
    """Per channel: payments, amount_minor and frauds (by the latest judgement), busiest first."""
    return frame(
        f"""
        with {_VERDICTS}
        select channel, count(*) as payments, sum(amount_minor)::bigint as amount_minor,
            count(*) filter (where is_fraud) as frauds
        from transactions left join verdicts using (source, transaction_id)
        where event_date between $first and $last group by channel order by payments desc, channel
        """,  # noqa: S608 - a constant
        first=period.first,
        last=period.last,
    )


def intake() -> pd.DataFrame:
    """One row: files, read, accepted, quarantined, duplicates, last ingested_time."""
    return frame(
        """
        select count(*) as files, coalesce(sum(read), 0)::bigint as read,
            coalesce(sum(accepted), 0)::bigint as accepted,
            coalesce(sum(quarantined), 0)::bigint as quarantined,
            coalesce(sum(duplicates), 0)::bigint as duplicates, max(ingested_time) as ingested_time
        from ingested_files
        """
    )


def quarantine() -> pd.DataFrame:
    """Refused rows by rule, most frequent first: rule, column, rows and one example value."""
    return frame(
        """
        select rule, min("column") as "column", count(*) as rows, min(value) as example
        from quarantine group by rule order by rows desc, rule
        """
    )


def quality() -> pd.DataFrame:
    """The latest result of each expectation, broken ones first."""
    return frame(
        """
        select expectation, event_date, success, observed, row_count, unexpected_count from data_quality
        qualify row_number() over (partition by expectation order by event_date desc) = 1
        order by success, expectation
        """
    )


def moments() -> Moments:
    """When the latest payment happened and the latest decision was made."""
    [row] = ask(
        """
        select (select max(event_time) from transactions) as event_time,
            (select max(decided_time) from decisions) as decided_time
        """
    ).to_pylist()
    return Moments(**row)


def channel_names() -> list[str]:
    """Channels that occur, in alphabetical order."""
    return [
        str(name)
        for name in ask("select distinct channel from transactions order by 1")["channel"].to_pylist()
    ]


def _alerts_query(final: str) -> str:
    return f"""
        with {_VERDICTS},
        paid as (
            select * from transactions where event_date between $first and $last
        ),
        alerts as (
            select d.source, d.transaction_id, d.event_time, d.event_date, d.score, d.level,
                d.advice, d.reason_codes, d.feature_values, d.attributions, d.bundle_hash,
                paid.amount_minor, paid.channel, paid.customer_id, paid.counterparty_id, paid.city,
                case when is_fraud then 'fraud' when not is_fraud then 'genuine' else 'open' end as judged
            from decisions as d join paid using (source, transaction_id)
            left join verdicts using (source, transaction_id)
            where d.alerted and d.event_date between $first and $last
        ),
        wanted as (
            select * from alerts
            where (len($levels) = 0 or list_contains($levels, level))
                and (len($channels) = 0 or list_contains($channels, channel))
                and ($judged is null or judged = $judged)
                and contains(
                    lower(concat_ws(' ', transaction_id, customer_id, counterparty_id)), lower($search)
                )
        )
        {final}
    """  # noqa: S608 - constants


def alerts(wanted: AlertFilter) -> pd.DataFrame:
    """The ALERT_ROWS riskiest alerts that `wanted` lets through, highest score first."""
    final = f"""
        , versions as ({_VERSIONS})
        select wanted.*, versions.features from wanted left join versions using (bundle_hash)
        order by score desc, event_time desc, transaction_id limit {ALERT_ROWS}
    """  # noqa: S608 - constants
    return frame(_alerts_query(final), **_alert_parameters(wanted))


def alert_summary(wanted: AlertFilter) -> pd.DataFrame:
    """One row: the alerts that `wanted` lets through, their amount_minor, how many judged, how many fraud."""
    final = """
        select count(*) as alerts, coalesce(sum(amount_minor), 0)::bigint as amount_minor,
            count(*) filter (where judged <> 'open') as judged,
            count(*) filter (where judged = 'fraud') as frauds
        from wanted
    """
    return frame(_alerts_query(final), **_alert_parameters(wanted))


def _alert_parameters(wanted: AlertFilter) -> dict[str, object]:
    return {
        "first": wanted.period.first,
        "last": wanted.period.last,
        "levels": list(wanted.levels),
        "channels": list(wanted.channels),
        "judged": wanted.judged,
        "search": wanted.search.strip(),
    }


def find_payments(text: str, limit: int = 50) -> pd.DataFrame:
    """Payments whose identifier, customer or payee is `text`, latest first."""
    return frame(
        """
        select source, transaction_id, event_time, amount_minor, channel, customer_id, counterparty_id
        from transactions where transaction_id = $text or customer_id = $text or counterparty_id = $text
        order by event_time desc, transaction_id limit $limit
        """,
        text=text.strip(),
        limit=limit,
    )


def payment(key: PaymentKey) -> "pd.Series[Any] | None":
    """All fields of one payment; None when the lake has no such payment."""
    where = "source = $source and transaction_id = $transaction_id"
    named: dict[str, object] = {"source": key.source, "transaction_id": key.transaction_id}
    # The day first: it is found in two narrow columns, and leaves one partition for the wide ones.
    days = ask(f"select event_date from transactions where {where}", **named)["event_date"].to_pylist()  # noqa: S608
    if not days:
        return None
    query = f"select * from transactions where event_date = $day and {where}"  # noqa: S608
    return frame(query, day=days[0], **named).iloc[0]


_OF_THE_VERSION = ("features", "model_version")
_DECISION_COLUMNS = ", ".join(
    f"d.{each.name}" for each in fields(Decision) if each.name not in _OF_THE_VERSION
)


def decision(key: PaymentKey, day: date) -> Decision | None:
    """The decision on one payment of business day `day`; None when nobody decided it."""
    found = ask(
        f"""
        with versions as ({_VERSIONS})
        select {_DECISION_COLUMNS}, versions.features, versions.model_version
        from decisions as d left join versions using (bundle_hash)
        where event_date = $day and source = $source and transaction_id = $transaction_id
        """,  # noqa: S608 - a constant
        day=day,
        source=key.source,
        transaction_id=key.transaction_id,
    ).to_pylist()
    return Decision(**found[0]) if found else None


def judgements(key: PaymentKey) -> pd.DataFrame:
    """What was found about one payment, latest first: known_time, is_fraud, judged_by, confidence."""
    return frame(
        """
        select known_time, is_fraud, judged_by, confidence from judgements
        where source = $source and transaction_id = $transaction_id order by known_time desc
        """,
        source=key.source,
        transaction_id=key.transaction_id,
    )


def around(customer_id: str, day: date) -> pd.DataFrame:
    """The customer's payments of the 60 days up to `day` and the 30 after it, by time."""
    return frame(
        f"""
        with {_VERDICTS},
        near as (
            select * from transactions
            where event_date between $first and $last and customer_id = $customer_id
        ),
        decided as (
            select source, transaction_id, level, score from decisions
            where event_date between $first and $last
        )
        select near.source, near.transaction_id, near.event_time, near.amount_minor, near.channel, near.city,
            near.counterparty_id, decided.level, decided.score,
            case when is_fraud then 'fraud' when not is_fraud then 'genuine' else 'open' end as judged
        from near left join decided using (source, transaction_id)
        left join verdicts using (source, transaction_id)
        order by near.event_time, near.transaction_id
        """,  # noqa: S608 - a constant
        customer_id=customer_id,
        first=day - timedelta(days=60),
        last=day + timedelta(days=30),
    )


def model_versions() -> pd.DataFrame:
    """Every trained model, latest first."""
    return frame("select * from model_versions order by trained_time desc, model_version desc")


def model_metrics() -> pd.DataFrame:
    """Metrics of every model version: model_version, metric, value, low, high, floor, verdict."""
    return frame(
        """
        select m.*, v.verdict
        from model_metrics as m join model_versions as v using (model_version)
        order by v.trained_time, m.metric
        """
    )


def importances(model_version: str) -> pd.DataFrame:
    """Global SHAP summary of one model version, strongest first: feature, mean_abs_shap, rank."""
    return frame(
        """
        select feature, mean_abs_shap, rank from feature_importances
        where model_version = $version order by rank
        """,
        version=model_version,
    )
