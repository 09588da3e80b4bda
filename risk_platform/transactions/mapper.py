"""A mapping bound to the columns of one file: source frames in, canonical frames and breaks out."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from risk_platform.privacy.surrogates import surrogate_ids
from risk_platform.transactions.amounts import to_minor
from risk_platform.transactions.canonical import Field
from risk_platform.transactions.currencies import minor_digits
from risk_platform.transactions.mapping import FILE_NAME, ROW_NUMBER, ColumnMapping, SourceMapping
from risk_platform.transactions.marked_yaml import Problem, suggestion
from risk_platform.transactions.refusals import REFUSAL_SCHEMA, Break, cut
from risk_platform.transactions.times import INSTANT, to_dates, to_instants

SOURCE_LINE = "source_line"

_TRUE = ("1", "1.0", "true", "t", "yes", "y")
_FALSE = ("0", "0.0", "false", "f", "no", "n")
_EMPTY: dict[str, pl.DataType] = {
    "identifier": pl.String(),
    "text": pl.String(),
    "time": INSTANT,
    "date": pl.Date(),
    "minor": pl.Int64(),
    "amount": pl.Int64(),
    "number": pl.Float64(),
    "flag": pl.Boolean(),
}


@dataclass(frozen=True)
class Mapped:
    """Canonical columns of one batch with `source_line`, and the values that could not be read."""

    frame: pl.DataFrame
    breaks: tuple[Break, ...]


class Mapper:
    """Reads frames of one file under one mapping.

    `columns` are the file's, with their types. Raises InputError, naming the line of the mapping, when it asks for a
    column that the file lacks or that cannot be what the mapping says.
    """

    def __init__(self, mapping: SourceMapping, columns: pl.Schema, file_name: str) -> None:
        self._mapping = mapping
        self._file_name = file_name
        self._columns = {
            name: column
            for name, column in mapping.columns.items()
            if not (column.optional and set(column.source_columns) - set(columns.names()))
        }
        problems = [*self._missing(columns), *self._mistyped(columns)]
        if problems:
            raise mapping.refusal(problems)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the file that are needed."""
        needed = [name for column in self._columns.values() for name in column.source_columns]
        return tuple(dict.fromkeys(needed))

    def map(self, raw: pl.DataFrame) -> Mapped:
        """The canonical columns of `raw`, a frame of `source_columns` and `source_line`.

        A value that cannot be read is null and named in the breaks.
        """
        breaks: list[Break] = []
        columns: dict[str, pl.Series] = {SOURCE_LINE: raw[SOURCE_LINE]}
        for field in self._mapping.record.fields:
            if field.name not in ("amount", "amount_minor"):
                columns[field.name] = self._read(field, raw, breaks)
        if "currency" in columns:
            columns["amount_minor"] = self._amounts(raw, columns["currency"], breaks)
        return Mapped(pl.DataFrame(columns), tuple(breaks))

    def refused(self, item: Break, frame: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """The rows of a break in the columns of a refusal, with the value as the source wrote it.

        `frame` is what `raw` was mapped to, row by row.
        """
        rows = frame.filter(item.rows)
        identifiers = (
            rows["transaction_id"]
            if "transaction_id" in rows.columns
            else pl.Series([None]).new_from_index(0, rows.height)
        )
        value = self._written(item.column, raw.filter(item.rows))
        return pl.DataFrame(
            {
                SOURCE_LINE: rows[SOURCE_LINE],
                "transaction_id": cut(identifiers),
                "rule": item.rule,
                "column": item.column,
                "value": cut(value),
            },
            schema=REFUSAL_SCHEMA,
        )

    def _written(self, name: str, raw: pl.DataFrame) -> pl.Series:
        name = "amount" if name == "amount_minor" and "amount" in self._columns else name
        if name in self._columns:
            return as_text(self._gather(self._columns[name], raw))
        return self._constant(self._mapping.record.field(name), raw.height)

    def _missing(self, columns: pl.Schema) -> Iterable[Problem]:
        for name, column in self._columns.items():
            for wanted in column.source_columns:
                if wanted not in columns:
                    hint = suggestion(wanted, columns.names())
                    key = "column" if column.column is not None else "template"
                    yield Problem(
                        ("columns", name, key),
                        f"{name} reads column {wanted!r}, which {self._file_name} lacks{hint}",
                    )

    def _mistyped(self, columns: pl.Schema) -> Iterable[Problem]:
        for name, column in self._columns.items():
            dtype = columns.get(column.column) if column.column is not None else None
            if dtype is None or column.values:
                continue
            reason = _unsuitable(self._mapping.record.field(name), column, dtype)
            if reason:
                yield Problem(("columns", name), f"{name} reads column {column.column!r}, {reason}")

    def _read(self, field: Field, raw: pl.DataFrame, breaks: list[Break]) -> pl.Series:
        column = self._columns.get(field.name)
        if column is None:
            written, column = self._constant(field, raw.height), ColumnMapping(column=field.name)
        else:
            written = self._listed(field, self._present(self._gather(column, raw)), column, breaks)
        values = _converted(field, written, column)
        if values is not written:
            breaks.append(
                Break(f"{field.name}_unreadable", field.name, written.is_not_null() & values.is_null())
            )
        return values.alias(field.name)

    def _amounts(self, raw: pl.DataFrame, currencies: pl.Series, breaks: list[Break]) -> pl.Series:
        field = self._mapping.record.field("amount" if "amount" in self._columns else "amount_minor")
        if field.type == "minor":
            return self._read(field, raw, breaks)
        column = self._columns["amount"]
        written = self._present(self._gather(column, raw))
        minor = pl.Series("amount_minor", [None] * raw.height, dtype=pl.Int64)
        refusals = pl.Series([None] * raw.height, dtype=pl.String)
        digits = currencies.replace_strict(minor_digits(), default=2, return_dtype=pl.Int8)
        for places in digits.unique().to_list():
            here = digits == places
            read = to_minor(written, places, column)
            minor = minor.zip_with(~here, read.values)
            refusals = refusals.zip_with(~here, read.refusals)
        for rule in refusals.drop_nulls().unique().sort():
            breaks.append(Break(rule, "amount", refusals == rule))
        return minor.alias("amount_minor")

    def _gather(self, column: ColumnMapping, raw: pl.DataFrame) -> pl.Series:
        if column.column is not None:
            return raw[column.column]
        texts = raw.select(
            *(as_text(raw[name]).alias(name) for name in column.source_columns),
            raw[SOURCE_LINE].cast(pl.String).alias(ROW_NUMBER),
            pl.lit(self._file_name).alias(FILE_NAME),
        )
        return texts.select(pl.concat_str(column.parts)).to_series()

    def _constant(self, field: Field, height: int) -> pl.Series:
        constant = self._mapping.constants.get(field.name, field.default)
        constant = self._mapping.source if field.name == "source" and constant is None else constant
        return pl.Series(field.name, [constant], dtype=pl.String).new_from_index(0, height)

    def _present(self, values: pl.Series) -> pl.Series:
        """The values with white space stripped and every writing of "no value" as null."""
        if values.dtype != pl.String:
            return values
        stripped = values.str.strip_chars()
        absent = stripped.is_in(["", *self._mapping.null_values])
        return stripped.zip_with(~absent, pl.Series([None], dtype=pl.String))

    def _listed(
        self, field: Field, values: pl.Series, column: ColumnMapping, breaks: list[Break]
    ) -> pl.Series:
        """The values under the mapping's `values` and `default`."""
        if column.values:
            written = as_text(values)
            values = written.replace_strict(column.values, default=column.default, return_dtype=pl.String)
            unlisted = written.is_not_null() & values.is_null()
            breaks.append(Break(f"{field.name}_not_listed", field.name, unlisted))
        default = column.default if column.default is not None else field.default
        if default is not None and values.null_count():
            values = as_text(values).fill_null(default)
        return values


def as_text(values: pl.Series) -> pl.Series:
    """Values as a person would write them: a whole number held as a double has no fraction."""
    if values.dtype == pl.String:
        return values
    if values.dtype.is_float():
        whole = values.is_finite() & (values == values.floor()) & (values.abs() < 2.0**53)
        return values.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole, values.cast(pl.String))
    return values.cast(pl.String)


def _converted(field: Field, values: pl.Series, column: ColumnMapping) -> pl.Series:
    """Values in the type of the field, null where unreadable; the same object when there is nothing to read."""
    if field.type == "time":
        return to_instants(values, column)
    if field.type == "date":
        return to_dates(values, column)
    if field.type == "flag":
        return _flags(values)
    if field.type == "number":
        return _numbers(values, column)
    if field.type == "minor":
        return to_minor(values, 0, column).values
    text = as_text(values)
    return surrogate_ids(text) if field.type == "identifier" else text.str.normalize("NFC")


def _flags(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    folded = as_text(values).str.to_lowercase()
    readings = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
    return folded.replace_strict(readings, default=None, return_dtype=pl.Boolean)


def _numbers(values: pl.Series, column: ColumnMapping) -> pl.Series:
    """Doubles; what a source writes as not-a-number is a missing value."""
    if values.dtype == pl.String:
        text = values.str.replace_all(column.thousands, "", literal=True) if column.thousands else values
        values = text.str.replace(column.decimal, ".", literal=True) if column.decimal != "." else text
    return values.cast(pl.Float64, strict=False).fill_nan(None)


def _unsuitable(field: Field, column: ColumnMapping, dtype: pl.DataType) -> str | None:
    """Why a column of that type cannot be what the field wants, None when it can."""
    if dtype.is_nested() or dtype == pl.Binary:
        return f"whose values are {dtype}, not single values"
    if field.type == "time" and dtype.is_numeric() and column.unit is None:
        return "which holds numbers: say what they count with `unit` (ns, us, ms, s, m, h or d) and `origin`"
    if field.type in ("time", "date") and dtype == pl.Boolean:
        return "which holds yes or no, not times"
    if field.type in ("amount", "minor", "number") and (dtype.is_temporal() or dtype == pl.Boolean):
        return f"which holds {dtype}, not numbers"
    return None
