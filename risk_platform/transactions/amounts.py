"""Amounts in major units, as sources write them, to integers in minor units: exact, or refused."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext

import polars as pl

from risk_platform.transactions.mapping import ColumnMapping

NOT_FINITE = "amount_not_finite"
UNREADABLE = "amount_unreadable"
TOO_PRECISE = "amount_too_precise"
TOO_LARGE = "amount_too_large"

_LARGEST_MINOR = 2**63 - 1
# Beyond it neighbouring doubles are more than one apart.
_LARGEST_EXACT_DOUBLE = 2.0**53
_NOT_FINITE_TEXT = r"(?i)^[+-]?(nan|inf|infinity)$"
_LONGEST_AMOUNT = 64


def minor_units(written: str, digits: int) -> int | str:
    """One amount as text in minor units of a currency with `digits` of them, or the name of the rule it breaks."""
    return _exactly(written, digits, None)


@dataclass(frozen=True)
class Minor:
    """Amounts in minor units, null where there is none, and for each refused one the rule it breaks."""

    values: pl.Series
    refusals: pl.Series


def to_minor(amounts: pl.Series, digits: int, column: ColumnMapping) -> Minor:
    """`amounts` of a currency with `digits` minor digits, in minor units.

    Floats are rounded half to even, which is exact for every double that stands for a whole number of minor
    units. Text and decimals must be exact unless the mapping's `scale` lets the source write more places.
    """
    if amounts.dtype.is_float():
        return _floats_to_minor(amounts, digits)
    if amounts.dtype.is_integer():
        return _floats_to_minor(amounts, digits) if digits == 0 else _integers_to_minor(amounts, digits)
    text = amounts.cast(pl.String)
    return _text_to_minor(plain_number(text, column), digits, column.scale)


def _integers_to_minor(amounts: pl.Series, digits: int) -> Minor:
    return _text_to_minor(amounts.cast(pl.String), digits, None)


def _floats_to_minor(amounts: pl.Series, digits: int) -> Minor:
    minor = (amounts.cast(pl.Float64) * 10**digits).round(0)
    frame = pl.DataFrame({"minor": minor}).select(
        pl.when(pl.col("minor").abs() <= _LARGEST_EXACT_DOUBLE)
        .then(pl.col("minor"))
        .cast(pl.Int64)
        .alias("value"),
        pl.when(pl.col("minor").is_nan() | pl.col("minor").is_infinite())
        .then(pl.lit(NOT_FINITE))
        .when(pl.col("minor").abs() > _LARGEST_EXACT_DOUBLE)
        .then(pl.lit(TOO_LARGE))
        .alias("refusal"),
    )
    return Minor(frame["value"], frame["refusal"])


def plain_number(text: pl.Series, column: ColumnMapping) -> pl.Series:
    """The text without the mapping's symbols and thousands separators, with a decimal point."""
    for symbol in column.strip.split():
        text = text.str.replace_all(symbol, "", literal=True)
    if column.thousands:
        text = text.str.replace_all(column.thousands, "", literal=True)
    if column.decimal != ".":
        text = text.str.replace(column.decimal, ".", literal=True)
    return text.str.strip_chars()


def _text_to_minor(text: pl.Series, digits: int, scale: int | None) -> Minor:
    """Plain decimals vectorised, every other writing one by one."""
    plain = rf"^[+-]?\d{{1,16}}(\.\d{{0,{digits}}}0{{0,6}})?$" if digits else r"^[+-]?\d{1,16}(\.0{0,6})?$"
    frame = pl.DataFrame({"text": text}).with_columns(plain=pl.col("text").str.contains(plain))
    values = frame.select(
        pl.when("plain")
        .then("text")
        .cast(pl.Decimal(38, 6), strict=False)
        .mul(pl.lit(10**digits))
        .cast(pl.Int64)
    ).to_series()
    others = frame.filter(~pl.col("plain"))["text"]
    if others.is_empty():
        return Minor(values, pl.Series([None] * len(values), dtype=pl.String))
    read = {written: _exactly(written, digits, scale) for written in others.unique().to_list()}
    amounts = {written: value for written, value in read.items() if isinstance(value, int)}
    refusals = {written: value for written, value in read.items() if isinstance(value, str)}
    slow = text.replace_strict(amounts, default=None, return_dtype=pl.Int64)
    return Minor(values.fill_null(slow), text.replace_strict(refusals, default=None, return_dtype=pl.String))


def _exactly(written: str, digits: int, scale: int | None) -> int | str:
    """The amount in minor units, or the name of the rule it breaks."""
    if re.match(_NOT_FINITE_TEXT, written):
        return NOT_FINITE
    if len(written) > _LONGEST_AMOUNT or not written.isascii() or "_" in written:
        return UNREADABLE
    try:
        amount = Decimal(written)
    except InvalidOperation:
        return UNREADABLE
    if amount.adjusted() > 18:
        return TOO_LARGE
    return _whole_minor(amount, digits, scale)


def _whole_minor(amount: Decimal, digits: int, scale: int | None) -> int | str:
    with localcontext(prec=200):
        if scale is not None and amount != round(amount, scale):
            return TOO_PRECISE
        minor = amount.scaleb(digits)
        whole = minor.to_integral_value(ROUND_HALF_EVEN)
        if scale is None and whole != minor:
            return TOO_PRECISE
    return int(whole) if abs(whole) <= _LARGEST_MINOR else TOO_LARGE
