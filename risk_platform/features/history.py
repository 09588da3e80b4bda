"""The history that features depend on: how far back it goes, and its events in the order they became known."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.durations import parse_duration
from risk_platform.features.online.arrivals import micros
from risk_platform.features.online.reading import COLUMNS
from risk_platform.features.spec import parse_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import TRANSACTIONS

BATCH = 1000


def label_horizon(variables: Mapping[str, Any], label_maturity: timedelta) -> timedelta:
    """Age of a payment up to which a report of it counts: the horizon, and never less than the maturity."""
    return max(parse_duration(variables["label_horizon"]), label_maturity)


def history_before(variables: Mapping[str, Any], label_maturity: timedelta) -> timedelta:
    """Whole days before a day on which its features can depend, as the macro `history_start` counts them.

    Windows see events with windows of their own, hence twice the longest.
    """
    spec = parse_feature_spec(variables["features"])
    windows = [a.window for a in (*spec.first_stage, *spec.second_stage)] + [run.horizon for run in spec.runs]
    reach = max(parse_duration(window) for window in windows) + label_horizon(variables, label_maturity)
    day = timedelta(days=1)
    return (2 * (reach // day + 1) + 1) * day


def payments_between(lake: Lake, from_date: date, to_date: date) -> pa.Table:
    """Payments of the event dates, both included, in the order they became known."""
    wanted = (pc.field("event_date") >= from_date) & (pc.field("event_date") <= to_date)
    table = lake.read(TRANSACTIONS, [*COLUMNS, "event_date"], wanted)
    return table.sort_by([("known_time", "ascending"), ("event_time", "ascending")]).combine_chunks()


def in_order(payments: pa.Table, judgements: pa.Table) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Batches of `payments`, each with the judgements that became known up to its first payment.

    A batch ends where a judgement became known, and never within one known instant.
    """
    judgements = judgements.sort_by("known_time")
    known, verdicts = micros(payments["known_time"]), micros(judgements["known_time"])
    told = 0
    for begin, end in _spans(known, verdicts):
        until = int(np.searchsorted(verdicts, known[begin], side="right"))
        yield payments.slice(begin, end - begin), judgements.slice(told, until - told)
        told = until


def _spans(known: npt.NDArray[np.int64], verdicts: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of whole instants, BATCH payments or a few more, none of which a verdict falls into."""
    if len(known) == 0:
        return
    begins = np.flatnonzero(np.diff(known, prepend=known[0] - 1))
    after = np.searchsorted(known[begins], verdicts)
    breaks = set(begins[after[after < len(begins)]].tolist())
    begin = 0
    for at in begins[1:].tolist():
        if at in breaks or at - begin >= BATCH:
            yield begin, at
            begin = at
    yield begin, len(known)
