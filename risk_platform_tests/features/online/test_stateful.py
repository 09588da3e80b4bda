"""The engine as a machine: payments, verdicts, restarts and refusals in any order, against plain lists."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from risk_platform_tests.features.events import Judgement, Payment
from risk_platform_tests.features.online.feeding import (
    NOON,
    TOLERANCE,
    declared,
    engine_of,
    expected,
    judgements_of,
    observed,
    table_of,
    through_disk,
    wrong,
)

SMALL = declared(
    aggregates=[
        {"entity": "customer", "measure": "amount", "aggs": ["sum", "max"], "windows": ["1h", "7d"]},
        {"entity": "customer", "measure": "devices", "aggs": ["distinct"], "windows": ["7d"]},
        {"entity": "customer", "filter": "good", "aggs": ["count", "age_last"], "windows": ["28d"]},
        {"entity": "pair", "aggs": ["count"], "windows": ["1d"]},
    ],
    run_states=[
        {"entity": "customer", "of": "fraud", "broken_by": "good", "states": ["length"], "horizon": "28d"}
    ],
)


class Machine(RuleBasedStateMachine):
    """Known time moves on with every step; event times lie behind it, inside the tolerance."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = engine_of(SMALL)
        self.known: datetime = NOON
        self.payments: list[Payment] = []
        self.judgements: list[Judgement] = []
        self.found: dict[str, dict[str, object]] = {}

    def tick(self, step: timedelta) -> None:
        self.known += step + timedelta(microseconds=1)

    @rule(
        steps=st.lists(
            st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=3)]), min_size=1, max_size=4
        ),
        lag=st.sampled_from([timedelta(0), timedelta(minutes=59), timedelta(hours=30)]),
        customer=st.sampled_from("ab"),
        device=st.sampled_from(["x", "y", None]),
    )
    def pay(self, steps: list[timedelta], lag: timedelta, customer: str, device: str | None) -> None:
        batch: list[Payment] = []
        for step in steps:
            self.tick(step)
            name = f"p{len(self.payments) + len(batch)}"
            moment = self.known.replace(second=0, microsecond=0) - lag
            batch.append(Payment(name, moment, self.known, customer, 100 + len(batch), device_id=device))
        self.payments += batch
        self.found |= observed(self.engine, batch)

    @precondition(lambda self: self.payments)
    @rule(data=st.data(), is_fraud=st.booleans())
    def judge(self, data: st.DataObject, is_fraud: bool) -> None:
        self.tick(timedelta(hours=2))
        payment = data.draw(st.sampled_from(self.payments))
        judgement = Judgement(f"j{len(self.judgements):03}", payment.transaction_id, is_fraud, self.known)
        self.judgements.append(judgement)
        self.engine.report(judgements_of([judgement]))

    @rule()
    def restart(self) -> None:
        with TemporaryDirectory() as folder:
            self.engine = through_disk(Path(folder))(self.engine)

    @precondition(lambda self: self.payments)
    @rule()
    def too_late(self) -> None:
        newest = max(payment.event_time for payment in self.payments)
        late = Payment("late", newest - TOLERANCE - timedelta(seconds=1), self.known, "a", 1)
        assert self.engine.refuse_late(table_of([late])).tolist() == [True]

    @invariant()
    def every_value_equals_its_definition(self) -> None:
        if self.payments:
            assert wrong(SMALL, self.found, expected(SMALL, self.payments, self.judgements)) == {}


Machine.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestMachine = Machine.TestCase
