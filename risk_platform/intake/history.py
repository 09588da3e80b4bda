"""Warm start: the lake's history told to the feature state as it became known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.intake.state import FeatureState
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, PAYMENT_COLUMNS, TRANSACTIONS

Progress = Callable[[int, int], None]
_BATCH = 1000


@dataclass(frozen=True)
class HistoryVersion:
    """Which history lies before the inbox: Delta versions of both tables, -1 where there was none."""

    transactions: int
    judgements: int


def history_version(lake: Lake) -> HistoryVersion:
    """The history as it is now."""
    return HistoryVersion(lake.version(TRANSACTIONS), lake.version(JUDGEMENTS))


def tell_history(
    lake: Lake,
    version: HistoryVersion,
    reach: timedelta,
    state: FeatureState,
    progress: Progress,
    before: datetime | None = None,
) -> int:
    """Tell the state the last `reach` of the history; returns how many payments were too late for it.

    With `before`, only what was known before that instant. Raises LakeError when a version is gone, as after a vacuum.
    """
    if version.transactions < 0:
        return 0
    payments = _payments(lake, version.transactions, reach, before)
    judgements = pa.table({})
    if version.judgements >= 0:
        known = None if before is None else pc.field("known_time") < before
        judgements = lake.read(JUDGEMENTS, filter=known, version=version.judgements).sort_by("known_time")
    late = done = 0
    for batch, reports in _in_order(payments, judgements):
        if reports.num_rows:
            state.report(reports)
        timely = ~state.refuse_late(batch)
        late += len(timely) - int(timely.sum())
        state.observe(batch.filter(pa.array(timely)))
        done += batch.num_rows
        progress(done, payments.num_rows)
    return late


def _payments(lake: Lake, version: int, reach: timedelta, before: datetime | None) -> pa.Table:
    columns = [column.name for column in PAYMENT_COLUMNS]
    known = pc.scalar(True) if before is None else pc.field("known_time") < before
    newest = pc.max(lake.read(TRANSACTIONS, ["event_date"], known, version)["event_date"]).as_py()
    within = known if newest is None else known & (pc.field("event_date") >= newest - reach)
    table = lake.read(TRANSACTIONS, columns, within, version=version)
    return table.sort_by([("known_time", "ascending"), ("event_time", "ascending")]).combine_chunks()


def _in_order(payments: pa.Table, judgements: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Batches of payments, each with the judgements that became known since the one before.

    No batch parts an instant, and none has a judgement between its first and its last payment.
    """
    known = payments.column("known_time").cast(pa.int64()).to_numpy()
    told = np.empty(0, dtype=np.int64)
    if judgements.num_rows:
        told = judgements.column("known_time").cast(pa.int64()).to_numpy()
    begin = reported = 0
    while begin < len(known):
        until = int(np.searchsorted(told, known[begin], side="right"))
        end = min(begin + _BATCH, len(known))
        end = int(np.searchsorted(known, known[end - 1], side="right"))
        if until < len(told):
            end = min(end, int(np.searchsorted(known, told[until])))
        yield payments.slice(begin, end - begin), judgements.slice(reported, until - reported)
        begin, reported = end, until
