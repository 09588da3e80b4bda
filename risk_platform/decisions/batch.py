"""Decisions for the history: what nobody decided yet, never inside the champion's training span."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import LEVELS
from risk_platform.decisions.records import KEYS
from risk_platform.decisions.rules.columns import Features
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES
from risk_platform.models.bundle import TrainingSpan

BATCH_ROWS = 50_000


@dataclass
class DecisionCounts:
    """What a batch run did: payments decided, inside the training span (skipped), decided before.

    `degraded` counts decisions without the model by reason, `rule_hits` hits by rule.
    """

    decided: int = 0
    skipped_training_span: int = 0
    already_decided: int = 0
    alerts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    levels: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    degraded: Counter[str] = field(default_factory=Counter)
    rule_hits: Counter[str] = field(default_factory=Counter)

    def count(self, decisions: pa.RecordBatch) -> None:
        """Add the rows of `decisions`."""
        self.decided += decisions.num_rows
        table = pa.Table.from_batches([decisions])
        for entry in table.group_by(["level", "alerted"]).aggregate([([], "count_all")]).to_pylist():
            self.levels[entry["level"]] += entry["count_all"]
            if entry["alerted"]:
                self.alerts[entry["level"]] += entry["count_all"]
        self.degraded.update(decisions["degraded_reason"].drop_null().to_pylist())
        self.rule_hits.update(pc.list_flatten(decisions["rule_hits"]).to_pylist())


def decide_range(
    lake: Lake,
    engine: DecisionEngine,
    trained_on: TrainingSpan,
    from_date: date,
    to_date: date,
    decided_time: datetime,
) -> DecisionCounts:
    """Decide the undecided payments with from_date ≤ event_date ≤ to_date and write that into the lake.

    Payments up to the end of the training span `trained_on` are skipped and counted. All decisions are one
    commit: a run that breaks off leaves none, a rerun adds nothing. Memory holds one batch at a time.
    """
    counts = DecisionCounts()
    found = lake.version(DECISIONS)
    version = lake.version(PAYMENT_FEATURES)
    first_open = max(from_date, trained_on.last + timedelta(days=1))
    with lake.connect() as connection:
        counts.skipped_training_span = _payments_between(connection, from_date, min(to_date, trained_on.last))
        counts.already_decided = _decided_between(connection, first_open, to_date)
        rows = (
            _decided(engine, payments, decided_time, version, counts)
            for day in _days_with_payments(connection, first_open, to_date)
            for payments in _undecided(connection, day, engine)
        )
        first = next(rows, None)
        if first is not None:
            decisions = pa.RecordBatchReader.from_batches(DECISIONS.schema, chain([first], rows))
            lake.append_at(DECISIONS, decisions, found)
    return counts


def _decided(
    engine: DecisionEngine,
    payments: pa.RecordBatch,
    decided_time: datetime,
    version: int,
    counts: DecisionCounts,
) -> pa.RecordBatch:
    decisions = engine.decide(
        payments,
        Features.of(payments, engine.features),
        decided_time=decided_time,
        decided_by="batch",
        features_version=version,
    )
    counts.count(decisions)
    return decisions


def _undecided(
    connection: duckdb.DuckDBPyConnection, day: date, engine: DecisionEngine
) -> Iterator[pa.RecordBatch]:
    present = {name for name, *_ in connection.execute("describe payment_features").fetchall()}
    columns = [f'f."{name}"' for name in (*KEYS, *(each for each in engine.features if each in present))]
    stated = [f't."{name}"' for name in engine.columns]
    join = "join transactions as t using (source, transaction_id)" if stated else ""
    same_day = "and t.event_date = f.event_date" if stated else ""
    query = f"""
        select {", ".join(columns + stated)} from payment_features as f {join}
        where f.event_date = ? {same_day} and not exists (
            select 1 from decisions as d
            where d.event_date = ? and d.source = f.source and d.transaction_id = f.transaction_id
        ) and not exists (
            -- What came in live was decided then; its decision may not be drained yet.
            select 1 from transactions as l
            where l.event_date = ? and l.sequence is not null
                and l.source = f.source and l.transaction_id = f.transaction_id
        )
    """  # noqa: S608 - names come from the registry and the verified bundle
    reader: pa.RecordBatchReader = connection.sql(query, params=[day, day, day]).to_arrow_reader(BATCH_ROWS)
    yield from reader


def _days_with_payments(connection: duckdb.DuckDBPyConnection, from_date: date, to_date: date) -> list[date]:
    query = "select distinct event_date from payment_features where event_date between ? and ? order by 1"
    return [day for (day,) in connection.execute(query, [from_date, to_date]).fetchall()]


def _payments_between(connection: duckdb.DuckDBPyConnection, from_date: date, to_date: date) -> int:
    query = "select count(*) from payment_features where event_date between ? and ?"
    [(count,)] = connection.execute(query, [from_date, to_date]).fetchall()
    return int(count)


def _decided_between(connection: duckdb.DuckDBPyConnection, from_date: date, to_date: date) -> int:
    query = "select count(*) from decisions where event_date between ? and ?"
    [(count,)] = connection.execute(query, [from_date, to_date]).fetchall()
    return int(count)
