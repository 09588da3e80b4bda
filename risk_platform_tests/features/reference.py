"""The definitions of the feature spec over plain Python lists: slow and obviously right."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import asin, cos, log, radians, sin, sqrt
from statistics import fmean, stdev
from typing import Any

from risk_platform.durations import parse_duration
from risk_platform.features.declaration import Aggregate, Filter, Run
from risk_platform.features.spec import FeatureSpec
from risk_platform_tests.features.events import ZONE, Judgement, Payment

Values = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Resolution:
    """A payment's label as it became known."""

    time: datetime
    is_fraud: bool


@dataclass(frozen=True)
class Event:
    """What a window sees: when it counts, the payment, its values and, of a resolution, its label."""

    time: datetime
    values: Values
    is_fraud: bool | None


def resolutions(
    payment: Payment, judgements: list[Judgement], maturity: timedelta, horizon: timedelta
) -> list[Resolution]:
    """The turns of a payment's label: verdicts as they come, known good at maturity when none came before."""
    due = max(payment.event_time + maturity, payment.known_time)
    entries = [
        (max(j.known_time, payment.known_time), 0, j.is_fraud, j.judgement_id)
        for j in judgements
        if j.transaction_id == payment.transaction_id and j.known_time <= payment.event_time + horizon
    ]
    turns: list[Resolution] = []
    for time, is_maturity, is_fraud, _ in sorted([*entries, (due, 1, False, "")]):
        if is_maturity and turns:
            continue
        if not turns or turns[-1].is_fraud != is_fraud:
            turns.append(Resolution(time, is_fraud))
    return turns


class Reference:
    """Every feature of every payment, computed by definition from the whole lists."""

    def __init__(
        self,
        spec: FeatureSpec,
        payments: list[Payment],
        judgements: list[Judgement],
        maturity: timedelta,
        horizon: timedelta,
    ) -> None:
        self._spec = spec
        ordered = sorted(payments, key=lambda p: (p.event_time, p.transaction_id))
        self.values = {p.transaction_id: _base(p, number) for number, p in enumerate(ordered)}
        self._resolutions = {p.transaction_id: resolutions(p, judgements, maturity, horizon) for p in ordered}
        self._stage(lambda values: self._aggregates(spec.first_stage, values))
        self._stage(lambda values: _derive(spec.deviations, values))
        self._stage(lambda values: self._aggregates(spec.second_stage, values) | self._runs(values))
        self._stage(lambda values: _derive(spec.comparisons, values))

    def _stage(self, compute: Callable[[Values], Values]) -> None:
        computed = {key: compute(values) for key, values in self.values.items()}
        for key, values in computed.items():
            self.values[key].update(values)

    def _aggregates(self, plan: tuple[Aggregate, ...], values: Values) -> Values:
        return {a.name: self._aggregate(a, values) for a in plan}

    def _aggregate(self, a: Aggregate, p: Values) -> float | None:
        entity = self._spec.entities[a.entity]
        key = [p[column] for column in entity.key]
        if None in key:
            return None
        chosen = self._spec.filters[a.filter] if a.filter else Filter(title="", stream="payments")
        window = _start(p["event_time"], a.window)
        seen = [
            e
            for e in self._events(chosen.stream, p)
            if e.time >= window and _key(e, entity.seen_as or entity.key) == key
        ]
        passing = [e for e in seen if _passes(chosen, e)]
        column = (
            self._spec.measures[a.measure].column.removesuffix("_code")
            if a.measure in self._spec.measures
            else a.measure
        )
        if a.agg == "distinct" and p[str(column)] is None:
            return None
        return _AGGREGATIONS[a.agg](
            p, seen, passing, [e.values[column] for e in passing if column and e.values[column] is not None]
        )

    def _events(self, stream: str, p: Values) -> list[Event]:
        """What `p` may see of a stream, in its order."""
        events = []
        for key, values in self.values.items():
            if (
                stream == "payments"
                and values["known_time"] < p["known_time"]
                and values["event_time"] < p["event_time"]
            ):
                events.append(Event(values["event_time"], values, None))
            if stream == "resolutions":
                events += [
                    Event(r.time, values, r.is_fraud)
                    for r in self._resolutions[key]
                    if r.time < p["known_time"] and r.time < p["event_time"]
                ]
        return sorted(events, key=lambda e: (e.time, e.values["event_time"], e.values["n"]))

    def _runs(self, p: Values) -> Values:
        return {run.name: self._run(run, p) for run in self._spec.runs}

    def _run(self, run: Run, p: Values) -> float | None:
        entity = self._spec.entities[run.entity]
        key = [p[column] for column in entity.key]
        if None in key:
            return None
        inside, outside = self._spec.filters[run.of], self._spec.filters[run.broken_by]
        history = [e for e in self._events("resolutions", p) if _key(e, entity.seen_as or entity.key) == key]
        marked = [(e, _passes(inside, e)) for e in history if _passes(inside, e) or _passes(outside, e)]
        return _run_state(run, p, marked)


def _run_state(run: Run, p: Values, marked: list[tuple[Event, bool]]) -> float | None:
    breaks = [position for position, (_, inside) in enumerate(marked) if not inside]
    members = [position for position, (_, inside) in enumerate(marked) if inside]
    alive = bool(members) and marked[members[-1]][0].time >= _start(p["event_time"], run.horizon)
    begin = breaks[-1] + 1 if breaks else 0
    current = marked[begin:] if alive else []
    if run.state == "length":
        return len(current)
    if run.state == "since":
        return len(marked) - 1 - members[-1] if alive else None
    if run.state == "age_first":
        return _days(p, current[0][0]) if current else None
    return _days(p, marked[begin - 1][0]) if current and begin else None


def _base(p: Payment, number: int) -> Values:
    local = p.event_time.astimezone(ZONE)
    return {
        **p.__dict__,
        "n": number,
        "amount": p.amount_minor,
        "hour": local.hour,
        "weekday": local.isoweekday(),
        "daypart": local.hour // 4,
        "daypart_shifted": (local.hour + 2) % 24 // 4,
        "payee_account_id": p.counterparty_id if p.counterparty_type in ("person", "account") else None,
    }


def _start(moment: datetime, window: str) -> datetime:
    start = moment - parse_duration(window)
    return (
        start
        if parse_duration(window) <= timedelta(days=1)
        else start.replace(minute=0, second=0, microsecond=0)
    )


def _key(e: Event, columns: tuple[str, ...]) -> list[Any]:
    return [e.values[column] for column in columns]


def _passes(chosen: Filter, e: Event) -> bool:
    label = chosen.label is None or e.is_fraud == (chosen.label == "fraud")
    when = chosen.when is None or e.values[chosen.when] == 1
    return label and when and (chosen.unless is None or e.values[chosen.unless] != 1)


def _days(p: Values, e: Event) -> float:
    return float((p["event_time"] - e.values["event_time"]) / timedelta(days=1))


_AGGREGATIONS: dict[str, Callable[[Values, list[Event], list[Event], list[Any]], float | None]] = {
    "count": lambda p, seen, passing, x: len(passing),
    "rate": lambda p, seen, passing, x: len(passing) / len(seen) if seen else None,
    "sum": lambda p, seen, passing, x: sum(x),
    "mean": lambda p, seen, passing, x: fmean(x) if x else None,
    "std": lambda p, seen, passing, x: stdev(x) if len(x) > 1 else None,
    "max": lambda p, seen, passing, x: max(x, default=None),
    "distinct": lambda p, seen, passing, x: len(set(x)),
    "age_first": lambda p, seen, passing, x: _days(p, passing[0]) if passing else None,
    "age_last": lambda p, seen, passing, x: _days(p, passing[-1]) if passing else None,
    "last": lambda p, seen, passing, x: x[-1] if x else None,
}


def _derive(expressions: dict[str, Any], values: Values) -> Values:
    known = dict(values)
    for name, e in expressions.items():
        inputs = [known[i] for i in e.inputs]
        if e.op == "above" and not isinstance(e.threshold, str):
            inputs.append(e.threshold)
        known[name] = None if None in inputs else _OPERATORS[e.op](e, *inputs)
    return {name: known[name] for name in expressions}


def _distance(
    _: Any, latitude: float, longitude: float, latitude_before: float, longitude_before: float
) -> float:
    north, north_before = radians(latitude), radians(latitude_before)
    east = radians(longitude_before - longitude)
    half = sin((north_before - north) / 2) ** 2 + cos(north) * cos(north_before) * sin(east / 2) ** 2
    return 2 * 6371 * asin(min(1, sqrt(half)))


_OPERATORS: dict[str, Callable[..., float | None]] = {
    "value": lambda e, x: x,
    "equals": lambda e, x: float(x == e.value),
    "above": lambda e, x, threshold: float(x > threshold),
    "ratio": lambda e, x, to: x / to if to else None,
    "zscore": lambda e, x, mean, std: (x - mean) / std if std else None,
    "log": lambda e, x: log(1 + x),
    "novelty": lambda e, x: float(x == 0),
    "surprise": lambda e, *counts: -log((fmean(counts[:-1]) + 1) / (counts[-1] + e.parts)),
    "distance": _distance,
    "speed": lambda e, distance, age: distance / (max(age, 1 / 1440) * 24),
    "roundness": lambda e, x: len(str(x // 100)) - len(str(x // 100).rstrip("0")),
}
