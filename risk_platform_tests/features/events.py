"""Small random histories of payments and judgements, with everything that makes windows hard."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pyarrow as pa

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, TRANSACTIONS

ZONE = ZoneInfo("Asia/Kolkata")
START = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_DATE, LAST_DATE = date(2025, 1, 1), date(2026, 12, 31)


@dataclass(frozen=True)
class Payment:
    """One canonical payment, with the columns that features read."""

    transaction_id: str
    event_time: datetime
    known_time: datetime
    customer_id: str
    amount_minor: int
    counterparty_id: str | None = None
    counterparty_type: str | None = "merchant"
    device_id: str | None = None
    instrument_id: str | None = None
    mcc: str | None = None
    city: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    channel: str = "UPI"
    kind: str = "purchase"
    status: str = "completed"

    @property
    def row(self) -> dict[str, object]:
        fixed = {
            "source": "test",
            "sequence": None,
            "partition": 0,
            "currency": "INR",
            "ip_token": None,
            "country": None,
        }
        day = self.event_time.astimezone(ZONE).date()
        return {**fixed, **self.__dict__, "event_date": day, "broken_rules": []}


@dataclass(frozen=True)
class Judgement:
    """One verdict on a payment."""

    judgement_id: str
    transaction_id: str
    is_fraud: bool
    known_time: datetime

    @property
    def row(self) -> dict[str, object]:
        return {**self.__dict__, "source": "test", "judged_by": "analyst", "confidence": None}


def write(lake: Lake, payments: list[Payment], judgements: list[Judgement]) -> None:
    """Make `payments` and `judgements` all that the lake knows."""
    rows = pa.Table.from_pylist([payment.row for payment in payments], schema=TRANSACTIONS.schema)
    lake.replace_range(TRANSACTIONS, rows, FIRST_DATE, LAST_DATE)
    lake.insert_if_absent(
        JUDGEMENTS, pa.Table.from_pylist([j.row for j in judgements], schema=JUDGEMENTS.schema)
    )


def random_history(seed: int, count: int) -> tuple[list[Payment], list[Judgement]]:
    """Payments over 130 days: bursts, same-instant siblings, late arrivals, skewed clocks, nulls."""
    random = Random(seed)
    payments = [_random_payment(random, number) for number in range(count)]
    for position in range(0, count, 17):
        sibling = replace(
            payments[position], transaction_id=f"s{position}", amount_minor=random.randint(1, 90_000)
        )
        payments.append(sibling)
    for position in range(5, count, 23):
        edge = payments[position].event_time + random.choice(
            [timedelta(hours=1), timedelta(days=1), timedelta(days=7)]
        )
        moved = edge + timedelta(microseconds=random.choice([-1, 0, 1]))
        payments.append(
            replace(payments[position], transaction_id=f"e{position}", event_time=moved, known_time=moved)
        )
    return payments, _random_judgements(random, payments)


def _random_payment(random: Random, number: int) -> Payment:
    moment = START + timedelta(days=random.choice([random.uniform(0, 130), random.gauss(60, 2)]) % 130)
    late = random.choice(
        [timedelta(0)] * 6 + [timedelta(minutes=random.uniform(0, 3000)), timedelta(seconds=-30)]
    )
    return Payment(
        transaction_id=f"p{number}",
        event_time=moment,
        known_time=moment + late,
        customer_id=random.choice("abcd"),
        counterparty_id=random.choice(["m1", "m2", "m3", "a", "b", None]),
        counterparty_type=random.choice(["merchant", "person", "account", None]),
        device_id=random.choice(["d1", "d2", "d3", None]),
        instrument_id=random.choice(["i1", "i2"]),
        mcc=random.choice(["5411", "6011", None]),
        city=random.choice(["Pune", "Delhi"]),
        latitude=random.choice([None, random.uniform(8, 33)]),
        longitude=random.uniform(70, 90),
        amount_minor=int(random.lognormvariate(8, 1.5)) + 1,
        channel=random.choice(["UPI", "CARD", "CASH"]),
        kind=random.choice(["purchase", "transfer", "cash"]),
        status=random.choice(["completed", "completed", "declined"]),
    )


def _random_judgements(random: Random, payments: list[Payment]) -> list[Judgement]:
    judgements = []
    for payment in random.sample(payments, len(payments) // 3):
        known = payment.event_time + timedelta(days=random.choice([1, 7, 7, random.uniform(0, 40)]))
        judgements.append(
            Judgement(f"j-{payment.transaction_id}", payment.transaction_id, random.random() < 0.8, known)
        )
        if random.random() < 0.3:
            later = known + timedelta(days=random.choice([0, random.uniform(0, 9)]))
            judgements.append(
                Judgement(f"k-{payment.transaction_id}", payment.transaction_id, random.random() < 0.5, later)
            )
    return judgements


def in_world(
    world: str, payments: list[Payment], judgements: list[Judgement]
) -> tuple[list[Payment], list[Judgement]]:
    """The same history among ids of its own, so that several fit into one lake without meeting."""

    def own(identifier: str | None) -> str | None:
        return None if identifier is None else f"{world}/{identifier}"

    moved = [
        replace(
            p,
            transaction_id=f"{world}/{p.transaction_id}",
            customer_id=f"{world}/{p.customer_id}",
            counterparty_id=own(p.counterparty_id),
            device_id=own(p.device_id),
            instrument_id=own(p.instrument_id),
        )
        for p in payments
    ]
    judged = [
        replace(j, judgement_id=f"{world}/{j.judgement_id}", transaction_id=f"{world}/{j.transaction_id}")
        for j in judgements
    ]
    return moved, judged
