"""Amounts become minor units exactly, or are refused by name."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.transactions.amounts import to_minor
from risk_platform.transactions.mapping import ColumnMapping

PLAIN = ColumnMapping(column="amount")


def minor_of(values: Sequence[object], digits: int = 2, column: ColumnMapping = PLAIN) -> list[object]:
    read = to_minor(pl.Series(values, strict=False), digits, column)
    pairs = zip(read.values.to_list(), read.refusals.to_list(), strict=True)
    return [refusal if refusal is not None else value for value, refusal in pairs]


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("0.29", 29),
        ("0.07", 7),
        ("12", 1200),
        ("12.", 1200),
        (".5", 50),
        ("-3.10", -310),
        ("+3.10", 310),
        ("12.500", 1250),
        ("1e3", 100000),
        ("1.5E2", 15000),
        ("90071992547409.93", 9007199254740993),
        ("0.291", "amount_too_precise"),
        ("nan", "amount_not_finite"),
        ("-Infinity", "amount_not_finite"),
        ("1e300", "amount_too_large"),
        ("99999999999999999999", "amount_too_large"),
        ("12,50", "amount_unreadable"),
        ("1_000", "amount_unreadable"),
        ("$5", "amount_unreadable"),
        ("ten", "amount_unreadable"),
        ("9" * 1000, "amount_unreadable"),
        (None, None),
    ],
)
def test_text(written: str | None, minor: int | str | None) -> None:
    assert minor_of([written]) == [minor]


def test_the_locale_is_the_declared_one() -> None:
    dollars = ColumnMapping(column="a", strip="$", thousands=",")
    euros = ColumnMapping(column="a", strip="€", thousands=".", decimal=",")
    assert minor_of(["$1,234.56", "$-99.00", "$ 7"], column=dollars) == [123456, -9900, 700]
    assert minor_of(["1.234,56 €"], column=euros) == [123456]


def test_scale_lets_a_source_write_more_places_and_rounds_half_to_even() -> None:
    finer = ColumnMapping(column="a", scale=3)
    assert minor_of(["0.125", "0.135", "0.1", "0.1351"], column=finer) == [12, 14, 10, "amount_too_precise"]


def test_digits_are_those_of_the_currency() -> None:
    assert minor_of(["1234", "12.0"], digits=0) == [1234, 12]
    assert minor_of(["1.234", "0.0005"], digits=3) == [1234, "amount_too_precise"]


def test_floats() -> None:
    values = [0.29, 57.16, 0.125, 0.375, float("nan"), float("inf"), 1e300, None]
    expected = [29, 5716, 12, 38, "amount_not_finite", "amount_not_finite", "amount_too_large", None]
    assert minor_of(values) == expected


@given(st.lists(st.integers(-(10**15), 10**15), min_size=1), st.sampled_from([0, 2, 3]))
def test_every_whole_number_of_minor_units_survives_text_and_doubles(minor: list[int], digits: int) -> None:
    exact = [Decimal(value).scaleb(-digits) for value in minor]
    assert minor_of([f"{value:f}" for value in exact], digits) == minor
    assert minor_of([float(value) for value in exact if abs(value) < 10**12], digits) == [
        value for value, written in zip(minor, exact, strict=True) if abs(written) < 10**12
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_text_is_exact_or_refused(amount: Decimal) -> None:
    minor = amount * 100
    expected = int(minor) if minor == minor.to_integral_value() else "amount_too_precise"
    assert minor_of([str(amount)]) == [expected]
