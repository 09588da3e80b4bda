"""How the values of a source are read as canonical ones, column by column."""

import polars as pl

from risk_platform.privacy.surrogates import one_spelling, surrogate_ids
from risk_platform.transactions.amounts import plain_number, to_minor
from risk_platform.transactions.canonical import Field
from risk_platform.transactions.mapping import ColumnMapping
from risk_platform.transactions.times import to_dates, to_instants

_FLAGS = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), True),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), False),
}
_WHOLE_DOUBLES = 2.0**53


def read_values(field: Field, values: pl.Series, column: ColumnMapping) -> pl.Series:
    """`values` in the canonical type of the field; null where they are null or cannot be read."""
    match field.type:
        case "time":
            return to_instants(values, column)
        case "date":
            return to_dates(values, column)
        case "flag":
            return _flags(values)
        case "number":
            return _numbers(values, column)
        case "minor" | "amount":
            return to_minor(values, 0, column).values
        case "identifier":
            return surrogate_ids(as_text(values))
        case "text":
            return one_spelling(as_text(values))


def as_text(values: pl.Series) -> pl.Series:
    """Values as a person would write them: a whole number held as a double has no fraction."""
    text = values.cast(pl.String)
    if not values.dtype.is_float():
        return text
    whole = (values == values.floor()) & (values.abs() < _WHOLE_DOUBLES)
    return values.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole, text)


def present(values: pl.Series, null_values: tuple[str, ...]) -> pl.Series:
    """The values, text stripped of white space and null where it is empty or one of `null_values`."""
    if values.dtype != pl.String:
        return values
    stripped = values.str.strip_chars()
    absent = stripped.is_in(["", *null_values])
    return stripped.set(absent, None) if absent.any() else stripped


def unsuitable(field: Field, column: ColumnMapping, dtype: pl.DataType) -> str | None:
    """Why a source column of that type cannot be what the field wants, None when it can."""
    if dtype.is_nested() or dtype == pl.Binary:
        return f"whose values are {dtype}, not single values"
    if field.type == "time" and dtype.is_numeric() and column.unit is None:
        return "which holds numbers: say what they count with `unit` (ns, us, ms, s, m, h or d) and `origin`"
    if field.type in ("time", "date") and dtype == pl.Boolean:
        return "which holds yes or no, not times"
    if field.type in ("amount", "minor", "number") and (dtype.is_temporal() or dtype == pl.Boolean):
        return f"which holds {dtype}, not numbers"
    return None


def _flags(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    folded = as_text(values).str.to_lowercase()
    return folded.replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)


def _numbers(values: pl.Series, column: ColumnMapping) -> pl.Series:
    """Doubles; what a source writes as not-a-number is a missing value."""
    if values.dtype == pl.String:
        values = plain_number(values, column)
    return values.cast(pl.Float64, strict=False).fill_nan(None)
