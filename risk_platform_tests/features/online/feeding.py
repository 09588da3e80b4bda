"""Histories fed to the online engine as they became known, cut into batches and interrupted as a test likes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa

from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import FeatureSpec, parse_feature_spec
from risk_platform.lake.tables import JUDGEMENTS, TRANSACTIONS
from risk_platform_tests.features.conftest import Mart, different
from risk_platform_tests.features.events import ZONE, Judgement, Payment
from risk_platform_tests.features.reference import Reference

MATURITY, TOLERANCE = timedelta(days=7), timedelta(days=2)
HORIZON = timedelta(days=30)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
Variables = dict[str, Any]


def declared(**features: Any) -> Variables:
    """The vars of a small project: one customer, his receipts, a few measures and filters, and what a test declares."""
    entities = {
        "customer": {"title": "", "key": ["customer_id"]},
        "pair": {"title": "", "key": ["customer_id", "device_id"]},
        "received": {"title": "", "key": ["customer_id"], "seen_as": ["payee_account_id"]},
    }
    measures = {
        "amount": {"title": "", "column": "amount"},
        "latitude": {"title": "", "column": "latitude"},
        "devices": {"title": "", "column": "device_id_code"},
    }
    filters = {
        "cash": {"title": "", "stream": "payments", "when": "is_cash"},
        "good": {"title": "", "stream": "resolutions", "label": "good"},
        "fraud": {"title": "", "stream": "resolutions", "label": "fraud"},
        "quiet": {"title": "", "stream": "resolutions", "label": "fraud", "unless": "is_cash"},
    }
    parts = {
        "entities": entities,
        "measures": measures,
        "filters": filters,
        "baselines": [],
        "deviations": {"is_cash": {"op": "equals", "of": "kind", "value": "cash", "title": ""}},
        "aggregates": [],
        "run_states": [],
        "comparisons": {},
    }
    return {"label_horizon": "30d", "features": {**parts, **features}}


def engine_of(variables: Variables, tolerance: timedelta = TOLERANCE) -> OnlineFeatures:
    return OnlineFeatures(variables, label_maturity=MATURITY, timezone=str(ZONE), late_tolerance=tolerance)


def table_of(payments: Sequence[Payment]) -> pa.Table:
    return pa.Table.from_pylist([payment.row for payment in payments], schema=TRANSACTIONS.schema)


def judgements_of(judgements: Sequence[Judgement]) -> pa.Table:
    return pa.Table.from_pylist([judgement.row for judgement in judgements], schema=JUDGEMENTS.schema)


def observed(engine: OnlineFeatures, payments: Sequence[Payment]) -> Mart:
    """Feed one batch: transaction_id → its features, None for null."""
    values = engine.observe(table_of(payments))
    return {
        payment.transaction_id: {
            name: None if isnan(value) else value
            for name, value in zip(engine.names, row.tolist(), strict=True)
        }
        for payment, row in zip(payments, values, strict=True)
    }


def fed(
    engine: OnlineFeatures,
    payments: Sequence[Payment],
    judgements: Sequence[Judgement],
    batch: int = 1,
    interrupt: Callable[[OnlineFeatures], OnlineFeatures] = lambda engine: engine,
) -> tuple[Mart, OnlineFeatures]:
    """Feed a history in the order it became known, `interrupt`ed after each batch; its features and the engine."""
    found: Mart = {}
    waiting: list[Payment] = []
    for reported, arrived in _instants(payments, judgements):
        if waiting and (reported or len(waiting) >= batch):
            found |= observed(engine, waiting)
            engine, waiting = interrupt(engine), []
        if reported:
            engine.report(judgements_of(reported))
        waiting += arrived
    if waiting:
        found |= observed(engine, waiting)
    return found, engine


def _instants(
    payments: Sequence[Payment], judgements: Sequence[Judgement]
) -> Iterator[tuple[list[Judgement], list[Payment]]]:
    events: list[Payment | Judgement] = sorted([*judgements, *payments], key=lambda event: event.known_time)
    for _, group in groupby(events, key=lambda event: event.known_time):
        instant = list(group)
        yield (
            [event for event in instant if isinstance(event, Judgement)],
            [event for event in instant if isinstance(event, Payment)],
        )


def expected(variables: Variables, payments: Sequence[Payment], judgements: Sequence[Judgement]) -> Mart:
    """The features by definition, over the raw list of events."""
    spec = parse_feature_spec(variables["features"])
    return Reference(spec, list(payments), list(judgements), MATURITY, HORIZON).values


def wrong(variables: Variables, found: Mart, by_definition: Mart) -> dict[str, list[tuple[str, Any, Any]]]:
    spec: FeatureSpec = parse_feature_spec(variables["features"])
    return different(spec, found, by_definition)


def through_disk(folder: Path) -> Callable[[OnlineFeatures], OnlineFeatures]:
    """Writes a snapshot and goes on with what was read back."""

    def interrupt(engine: OnlineFeatures) -> OnlineFeatures:
        engine.snapshot(folder)
        return OnlineFeatures.restore(folder)

    return interrupt
