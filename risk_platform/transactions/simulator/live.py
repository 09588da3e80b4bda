"""A simulation told live: its payments one after the other at a steady rate, its judgements later on the same scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.transactions.simulator.simulation import SimulatedPayments

_BATCH = 1_000


@dataclass(frozen=True)
class LiveEvent:
    """A payment without its time, or a judgement, that is due so many seconds after the beginning."""

    due: float
    kind: Literal["payment", "judgement"]
    body: dict[str, Any]


def live_events(simulated: SimulatedPayments, rate: float, prefix: str) -> Iterator[LiveEvent]:
    """`rate` payments a second without end, and their judgements among them, in the order they are due.

    When all payments of the simulation were told, they are told anew under other identifiers. What takes a
    month in the simulation takes as long as the month's payments at that rate, delays of judgements included.
    Every identifier begins with `prefix`.
    """
    speed = _span_seconds(simulated.payments) * rate / max(1, simulated.payments.num_rows)
    judged = _judgements_of(simulated, speed)
    waiting: list[tuple[float, int, LiveEvent]] = []
    number = count()
    for told in count(1):
        for at, payment in enumerate(_rows(simulated.payments)):
            due = ((told - 1) * simulated.payments.num_rows + at) / rate
            while waiting and waiting[0][0] <= due:
                yield heappop(waiting)[2]
            name = payment["transaction_id"]
            identifier = f"{prefix}-{told}-{name}"
            for delay, judgement in judged.get(name, ()):
                body = judgement | {
                    "transaction_id": identifier,
                    "judgement_id": f"{identifier}-{len(waiting)}",
                }
                event = LiveEvent(due + delay, "judgement", body)
                heappush(waiting, (event.due, next(number), event))
            yield LiveEvent(due, "payment", payment | {"transaction_id": identifier})


def _rows(payments: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in payments.drop_columns(["event_time"]).to_batches(_BATCH):
        for row in batch.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}


def _judgements_of(
    simulated: SimulatedPayments, speed: float
) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    """What is reported of each payment, with the seconds it takes to be."""
    times = simulated.payments.select(["transaction_id", "event_time"])
    joined = simulated.judgements.drop_columns(["judgement_id"]).join(
        times, "transaction_id", join_type="inner"
    )
    found: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    for row in joined.to_pylist():
        delay = (row.pop("known_time") - row.pop("event_time")).total_seconds() / speed
        body = {name: value for name, value in row.items() if value is not None}
        found.setdefault(body["transaction_id"], []).append((delay, body))
    return found


def _span_seconds(payments: pa.Table) -> float:
    ends = pc.min_max(payments["event_time"]).as_py()
    return max(1.0, float((ends["max"] - ends["min"]).total_seconds()))
