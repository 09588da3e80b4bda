"""A mapping bound to the columns of one file: source frames in, canonical frames and breaks out."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from risk_platform.transactions.amounts import to_minor
from risk_platform.transactions.canonical import Field
from risk_platform.transactions.currencies import minor_digits
from risk_platform.transactions.mapping import FILE_NAME, ROW_NUMBER, ColumnMapping, SourceMapping
from risk_platform.transactions.marked_yaml import Problem, suggestion
from risk_platform.transactions.readings import as_text, present, read_values, unsuitable
from risk_platform.transactions.refusals import REFUSAL_SCHEMA, Break, cut

SOURCE_LINE = "source_line"

# A currency the list lacks is refused by a row rule; until then its amounts are read like most.
_USUAL_DIGITS = 2


@dataclass(frozen=True)
class Mapped:
    """Canonical columns of one batch with `source_line`, and the values that could not be read."""

    frame: pl.DataFrame
    breaks: tuple[Break, ...]


class Mapper:
    """Reads frames of one file under one mapping.

    `columns` are the file's, with their types. Raises InputError, naming the line of the mapping, when it
    asks for a column that the file lacks, one that cannot be what the mapping says, or gives a constant that
    cannot be read.
    """

    def __init__(self, mapping: SourceMapping, columns: pl.Schema, file_name: str) -> None:
        self._mapping = mapping
        self._file_name = file_name
        self._columns = {
            name: column
            for name, column in mapping.columns.items()
            if not (column.optional and set(column.source_columns) - set(columns.names()))
        }
        self._constants = {
            field.name: self._constant(field)
            for field in mapping.record.fields
            if field.name not in self._columns and field.type != "amount"
        }
        problems = [*self._missing(columns), *self._mistyped(columns), *self._unreadable_constants()]
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
        columns = {SOURCE_LINE: raw[SOURCE_LINE]}
        for field in self._mapping.record.fields:
            if field.type != "amount":
                columns[field.name] = self._read(field, raw, breaks)
        if "amount" in self._columns:
            columns["amount_minor"] = self._amounts(raw, columns["currency"], breaks)
        frame = pl.DataFrame(columns)
        if "amount" in self._columns and self._columns["amount"].negative == "refund":
            frame = _negatives_as_refunds(frame)
        return Mapped(frame, tuple(breaks))

    def refused(self, item: Break, frame: pl.DataFrame, raw: pl.DataFrame) -> pl.DataFrame:
        """The rows of a break in the columns of a refusal, with the value as the source wrote it.

        `frame` is what `raw` was mapped to, row by row.
        """
        rows = frame.filter(item.rows)
        nobody = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
        identifiers = rows["transaction_id"] if "transaction_id" in rows.columns else nobody
        return pl.DataFrame(
            {
                SOURCE_LINE: rows[SOURCE_LINE],
                "transaction_id": cut(identifiers),
                "rule": item.rule,
                "column": item.column,
                "value": cut(self._written(item.column, raw.filter(item.rows))),
            },
            schema=REFUSAL_SCHEMA,
        )

    def _written(self, name: str, raw: pl.DataFrame) -> pl.Series:
        name = "amount" if name == "amount_minor" and "amount" in self._columns else name
        if name in self._columns:
            return as_text(self._gather(self._columns[name], raw))
        return self._constants[name].cast(pl.String).new_from_index(0, raw.height)

    def _missing(self, columns: pl.Schema) -> Iterable[Problem]:
        for name, column in self._columns.items():
            key = "column" if column.column is not None else "template"
            for wanted in column.source_columns:
                if wanted not in columns:
                    hint = suggestion(wanted, columns.names())
                    sentence = f"{name} reads column {wanted!r}, which {self._file_name} lacks{hint}"
                    yield Problem(("columns", name, key), sentence)

    def _mistyped(self, columns: pl.Schema) -> Iterable[Problem]:
        for name, column in self._columns.items():
            dtype = columns.get(column.column) if column.column is not None else None
            if dtype is None or column.values:
                continue
            reason = unsuitable(self._mapping.record.field(name), column, dtype)
            if reason:
                yield Problem(("columns", name), f"{name} reads column {column.column!r}, {reason}")

    def _unreadable_constants(self) -> Iterable[Problem]:
        for name, written in self._mapping.constants.items():
            if name in self._constants and self._constants[name][0] is None:
                kind = self._mapping.record.field(name).type
                yield Problem(
                    ("constants", name), f"{written!r} cannot be read as {name}, which is of type {kind}"
                )

    def _constant(self, field: Field) -> pl.Series:
        """The one value of a field that no column gives."""
        written = self._mapping.constants.get(field.name, field.default)
        if field.name == "source" and written is None:
            written = self._mapping.source
        return read_values(field, pl.Series([written], dtype=pl.String), ColumnMapping(column=field.name))

    def _read(self, field: Field, raw: pl.DataFrame, breaks: list[Break]) -> pl.Series:
        column = self._columns.get(field.name)
        if column is None:
            return self._constants[field.name].new_from_index(0, raw.height)
        written = self._listed(field, self._present(column, raw), column, breaks)
        values = read_values(field, written, column)
        if values.null_count() > written.null_count():
            breaks.append(
                Break(f"{field.name}_unreadable", field.name, written.is_not_null() & values.is_null())
            )
        return values

    def _amounts(self, raw: pl.DataFrame, currencies: pl.Series, breaks: list[Break]) -> pl.Series:
        """Amounts in minor units of each row's currency."""
        column = self._columns["amount"]
        written = self._present(column, raw)
        digits = currencies.replace_strict(minor_digits(), default=_USUAL_DIGITS, return_dtype=pl.Int8)
        minor = pl.Series([None], dtype=pl.Int64).new_from_index(0, raw.height)
        rules = pl.Series([None], dtype=pl.String).new_from_index(0, raw.height)
        for places in digits.unique().to_list():
            here = digits == places
            read = to_minor(written, places, column)
            minor, rules = read.values.zip_with(here, minor), read.refusals.zip_with(here, rules)
        found = rules.drop_nulls().unique().sort()
        breaks.extend(Break(rule, "amount", rules.eq_missing(rule)) for rule in found)
        return minor

    def _present(self, column: ColumnMapping, raw: pl.DataFrame) -> pl.Series:
        return present(self._gather(column, raw), self._mapping.null_values)

    def _gather(self, column: ColumnMapping, raw: pl.DataFrame) -> pl.Series:
        if column.column is not None:
            return raw[column.column]
        texts = raw.select(
            *(as_text(raw[name]).alias(name) for name in column.source_columns),
            raw[SOURCE_LINE].cast(pl.String).alias(ROW_NUMBER),
            pl.lit(self._file_name).alias(FILE_NAME),
        )
        return texts.select(pl.concat_str(column.parts)).to_series()

    def _listed(
        self, field: Field, values: pl.Series, column: ColumnMapping, breaks: list[Break]
    ) -> pl.Series:
        """The values under the mapping's `values` and `default`."""
        if column.values:
            written = as_text(values)
            values = written.replace_strict(column.values, default=column.default, return_dtype=pl.String)
            unlisted = written.is_not_null() & values.is_null()
            if unlisted.any():
                breaks.append(Break(f"{field.name}_not_listed", field.name, unlisted))
        default = column.default if column.default is not None else field.default
        if default is not None and values.null_count():
            values = as_text(values).fill_null(default)
        return values


def _negatives_as_refunds(frame: pl.DataFrame) -> pl.DataFrame:
    kind = pl.when(pl.col("amount_minor") < 0).then(pl.lit("refund")).otherwise("kind")
    return frame.with_columns(kind.alias("kind"), pl.col("amount_minor").abs())
