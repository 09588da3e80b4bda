"""Laws of insert-if-absent: counts are conserved, the first of a key wins, twice is once."""

import tempfile
from itertools import chain

from hypothesis import example, given, settings
from hypothesis import strategies as st

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, RAW_TRANSACTIONS
from risk_platform_tests.lake.rows import judgements, raw_payments

_KEYS = st.text(st.characters(codec="utf-8"), max_size=3) | st.sampled_from(
    ["a", "b", "x" * 70, "x" * 70 + "y"]
)
_OFFERS = st.lists(st.lists(_KEYS, max_size=6), max_size=4)


@settings(max_examples=20, deadline=None)
@example([["\x85", "\u2028"], ["\n", "\0", '"']])
@given(_OFFERS)
def test_offered_is_inserted_plus_duplicates_and_a_key_is_there_once(offers: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        lake, known = Lake(root), set[str]()
        for keys in offers:
            result = lake.insert_if_absent(JUDGEMENTS, judgements(*keys))
            assert result.inserted == len(set(keys) - known)
            assert result.inserted + result.duplicates == len(keys)
            known |= set(keys)
        assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == sorted(known)
        again = lake.insert_if_absent(JUDGEMENTS, judgements(*chain.from_iterable(offers)))
        assert again.inserted == 0
        assert lake.exists(JUDGEMENTS) == bool(known)


_DAYS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 4)), max_size=8)


@settings(max_examples=15, deadline=None)
@given(_DAYS, _DAYS)
def test_the_first_of_a_key_wins_whatever_its_day(
    first: list[tuple[str, int]], then: list[tuple[str, int]]
) -> None:
    expected: dict[str, int] = {}
    for key, day in first + then:
        expected.setdefault(key, day)
    with tempfile.TemporaryDirectory() as root:
        lake = Lake(root)
        lake.insert_if_absent(RAW_TRANSACTIONS, raw_payments(first))
        lake.insert_if_absent(RAW_TRANSACTIONS, raw_payments(then))
        rows = lake.read(RAW_TRANSACTIONS, columns=["transaction_id", "event_date"]).to_pylist()
    assert sorted((row["transaction_id"], row["event_date"].day) for row in rows) == sorted(expected.items())
