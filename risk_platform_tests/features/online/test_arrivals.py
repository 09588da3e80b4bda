"""Payments read out of Arrow's memory: the values that Arrow itself tells, whatever the layout."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from math import nan

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.errors import ContractError
from risk_platform.features.online.arrivals import Layout, identities_of, read_arrivals
from risk_platform.features.online.derive import BASE_NUMBERS, BASE_TEXTS
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.reading import COLUMNS
from risk_platform.features.online.rows import DAYPART_BIT, GATE_BIT, SHIFTED_BIT
from risk_platform.features.online.text import NULL, word_of
from risk_platform_tests.features.events import ZONE, Payment
from risk_platform_tests.features.online.feeding import NOON, declared, engine_of, table_of

CODES = ("customer_id", "device_id", "city")
MICROSECOND = timedelta(microseconds=1)
names = st.text(max_size=6)
maybe = st.none() | names
numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
payments = st.builds(
    Payment,
    names,
    st.integers(0, 10**13).map(lambda micros: NOON + micros * MICROSECOND),
    st.just(NOON),
    names,
    st.integers(0, 2**47),
    counterparty_type=st.sampled_from(["merchant", "person", None]),
    device_id=maybe,
    city=maybe,
    latitude=numbers,
    longitude=numbers,
)
CASTS: dict[str, Callable[[pa.Table], pa.Table]] = {
    "as it is": lambda table: table,
    "of wider types": lambda table: recast(table, "city", pa.large_string()),
    "of shared values": lambda table: recast(table, "customer_id", pa.dictionary(pa.int32(), pa.string())),
    "in other units": lambda table: recast(table, "event_time", pa.timestamp("ns", tz="UTC")),
    "in pieces": lambda table: pa.concat_tables([table.slice(0, 1), table.slice(1)]),
    "from the middle": lambda table: pa.concat_tables([table, table]).combine_chunks().slice(len(table)),
}


def recast(table: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))


def read(table: pa.Table) -> Arrivals:
    layout = Layout.of(table.schema, CODES)
    return read_arrivals(layout.one_batch(table), layout, str(ZONE))


def word(text: str | None) -> np.uint64:
    return NULL if text is None else word_of(text)


def base_of(payment: Payment) -> list[float]:
    local = payment.event_time.astimezone(ZONE)
    places = [nan if place is None else place for place in (payment.latitude, payment.longitude)]
    return [payment.amount_minor, local.hour, local.isoweekday(), *places]


def bits_of(payment: Payment) -> int:
    hour = payment.event_time.astimezone(ZONE).hour
    account = payment.counterparty_type not in (None, "merchant")
    return account << GATE_BIT | hour // 4 << DAYPART_BIT | (hour + 2) % 24 // 4 << SHIFTED_BIT


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
@given(given_payments=st.lists(payments, min_size=2, max_size=8))
def test_what_is_read_is_what_stands_there(
    cast: Callable[[pa.Table], pa.Table], given_payments: list[Payment]
) -> None:
    found = read(cast(table_of(given_payments)))
    table = table_of(given_payments)
    assert found.time.tolist() == table["event_time"].cast(pa.int64()).to_pylist()
    assert found.known.tolist() == table["known_time"].cast(pa.int64()).to_pylist()
    assert found.ints.tolist() == [[payment.amount_minor] for payment in given_payments]
    assert found.words.tolist() == [[word(getattr(p, name)) for name in CODES] for p in given_payments]
    assert found.texts.tolist() == [[word(getattr(p, name)) for p in given_payments] for name in BASE_TEXTS]
    assert found.bits.tolist() == [bits_of(payment) for payment in given_payments]
    assert BASE_NUMBERS == ("amount", "hour", "weekday", "latitude", "longitude")
    np.testing.assert_array_equal(found.base, [base_of(payment) for payment in given_payments])


@given(st.lists(payments, min_size=1, max_size=8))
def test_a_payment_is_named_by_source_and_identifier(given_payments: list[Payment]) -> None:
    table = table_of(given_payments)
    found, named = read(table), [f"test\0{payment.transaction_id}" for payment in given_payments]
    assert found.identity.tolist() == [word_of(name) for name in named]
    assert identities_of(table).tolist() == found.identity.tolist()
    ends = found.offsets.tolist()
    texts = [bytes(found.text[begin:end]).decode() for begin, end in pairwise(ends)]
    assert texts == named


@pytest.mark.parametrize("name", ["event_time", "known_time", "amount_minor"])
def test_a_payment_that_lacks_what_it_must_have_is_refused(name: str) -> None:
    engine = engine_of(declared(aggregates=[{"entity": "customer", "aggs": ["count"], "windows": ["1h"]}]))
    before, table = engine.state_hash(), table_of([Payment("p", NOON, NOON, "c", 1)])
    place = table.schema.get_field_index(name)
    with pytest.raises(ContractError, match=r"test:p|sort by known_time"):
        engine.observe(table.set_column(place, name, pa.nulls(1, table.schema.field(name).type)))
    assert engine.state_hash() == before


def test_every_column_has_one_place() -> None:
    layout = Layout.of(table_of([Payment("p", NOON, NOON, "c", 1)]).schema, CODES)
    assert [layout.schema.names[place] for place in layout.places] == list(COLUMNS)
