"""Source mappings: how the records of one source become canonical ones, as YAML checked line by line."""

import codecs
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)

from risk_platform.durations import parse_duration
from risk_platform.errors import InputError
from risk_platform.transactions.canonical import RECORDS, FieldType, Record, RecordKind
from risk_platform.transactions.marked_yaml import MarkedYaml, Problem, problems_of, read_yaml, suggestion

SHIPPED_FOLDER = Path(__file__).parent / "mappings"
ROW_NUMBER = "row_number"
FILE_NAME = "file_name"
_ROW_IDENTIFIER = "{file_name}#{row_number}"

TimeUnit = Literal["ns", "us", "ms", "s", "m", "h", "d"]
_OPTIONS: dict[FieldType, frozenset[str]] = {
    "identifier": frozenset(),
    "text": frozenset(),
    "flag": frozenset(),
    "time": frozenset({"timezone", "format", "unit", "origin"}),
    "date": frozenset({"format"}),
    "amount": frozenset({"strip", "thousands", "decimal", "scale", "negative"}),
    "minor": frozenset({"strip", "thousands"}),
    "number": frozenset({"strip", "thousands", "decimal"}),
}
_TYPED_OPTIONS = frozenset().union(*_OPTIONS.values())


class ColumnMapping(BaseModel):
    """Where one canonical value comes from and how its text is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | None = None
    template: str | None = None
    row_number: bool = False
    optional: bool = False
    values: dict[str, str] = Field(default_factory=dict)
    default: str | None = None
    timezone: str = "UTC"
    format: str | tuple[str, ...] = ()
    unit: TimeUnit | None = None
    origin: datetime | None = None
    strip: str = ""
    thousands: str = ""
    decimal: str = "."
    scale: int | None = Field(default=None, ge=0, le=20)
    negative: Literal["refuse", "refund"] = "refuse"

    @model_validator(mode="before")
    @classmethod
    def _bare_name_is_the_column(cls, value: object) -> object:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = sum((self.column is not None, self.template is not None, self.row_number))
        if given != 1:
            raise ValueError("give exactly one of column, template and row_number")
        return self

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Kolkata") from error
        return value

    @field_validator("origin")
    @classmethod
    def _origin_in_utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @property
    def formats(self) -> tuple[str, ...]:
        """The time formats to try in turn; none means ISO 8601."""
        return (self.format,) if isinstance(self.format, str) else self.format

    @property
    def pattern(self) -> str | None:
        """The template that the value is made by, None for a plain column."""
        return _ROW_IDENTIFIER if self.row_number else self.template

    @property
    def parts(self) -> list[pl.Expr]:
        """The pieces that the template is made of: literals and columns."""
        pieces = Formatter().parse(self.pattern or "")
        pairs = [
            (pl.lit(literal) if literal else None, pl.col(name) if name else None)
            for literal, name, _, _ in pieces
        ]
        return [part for pair in pairs for part in pair if part is not None]

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Columns of the source that the value is made of."""
        if self.column is not None:
            return (self.column,)
        names = [name for _, name, _, _ in Formatter().parse(self.pattern or "") if name]
        return tuple(dict.fromkeys(name for name in names if name not in (ROW_NUMBER, FILE_NAME)))


class SourceMapping(BaseModel):
    """How one kind of file of one source is read.

    `label_delay` is how long after a payment its label was reported; None leaves that to the installation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1, max_length=64)
    kind: RecordKind = "payments"
    format: Literal["csv", "parquet"] | None = None
    columns: dict[str, ColumnMapping]
    constants: dict[str, str] = Field(default_factory=dict)
    label_delay: timedelta | None = None
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    null_values: tuple[str, ...] = ()

    _document: MarkedYaml = PrivateAttr(default_factory=lambda: MarkedYaml("the mapping", None, {}))

    @field_validator("label_delay", mode="before")
    @classmethod
    def _written_duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        written = {"\\t": "\t", "tab": "\t"}.get(value, value)
        if len(written) != 1 or not written.isascii() or written in '\r\n"':
            raise ValueError(f"{value!r} is not one ASCII character such as , ; | or \\t")
        return written

    @field_validator("quote")
    @classmethod
    def _one_character_or_none(cls, value: str) -> str:
        if len(value) > 1 or not value.isascii() or value in ("\r", "\n"):
            raise ValueError(f'{value!r} is not one ASCII character; write "" when values are never quoted')
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError as error:
            raise ValueError(f"{value!r} is not an encoding such as utf-8, latin-1 or utf-16") from error

    @property
    def record(self) -> Record:
        """The canonical record it produces."""
        return RECORDS[self.kind]

    @property
    def name(self) -> str:
        """The file or shipped name it was loaded from."""
        return self._document.name

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the mapping says, whatever its layout."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def refusal(self, problems: list[Problem]) -> InputError:
        """The error naming each problem with the line of the mapping it stands on."""
        return self._document.refusal(problems)


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that come with the platform."""
    return tuple(sorted(path.stem for path in SHIPPED_FOLDER.glob("*.yaml")))


def load_mapping(name_or_path: str | Path) -> SourceMapping:
    """The shipped mapping of that name, or the one in the file at that path.

    Raises InputError naming each wrong line.
    """
    if str(name_or_path) in shipped_mappings():
        document = read_yaml(SHIPPED_FOLDER / f"{name_or_path}.yaml")
        return parse_mapping(MarkedYaml(str(name_or_path), document.data, document.lines))
    path = Path(name_or_path)
    if not path.is_file():
        hint = suggestion(str(name_or_path), shipped_mappings())
        raise InputError(f"{name_or_path} is neither a mapping file nor a shipped mapping{hint}.")
    return parse_mapping(read_yaml(path))


def parse_mapping(document: MarkedYaml) -> SourceMapping:
    """The mapping that the document says; raises InputError naming each wrong line."""
    if not isinstance(document.data, dict):
        raise InputError(f"{document.name} is not a mapping: it must hold entries such as `source: …`.")
    try:
        mapping = SourceMapping.model_validate(document.data)
    except ValidationError as error:
        raise document.refusal(problems_of(error, _known_keys)) from error
    mapping._document = document
    problems = [*_name_problems(mapping), *_option_problems(mapping), *_template_problems(mapping)]
    if not problems:
        problems = list(_missing_problems(mapping))
    if problems:
        raise mapping.refusal(problems)
    return mapping


def _known_keys(path: tuple[str | int, ...]) -> tuple[str, ...]:
    inside_column = len(path) == 3 and path[0] == "columns"
    return tuple(ColumnMapping.model_fields if inside_column else SourceMapping.model_fields)


def _name_problems(mapping: SourceMapping) -> Iterator[Problem]:
    names = mapping.record.names
    for part, entries in (("columns", mapping.columns), ("constants", mapping.constants)):
        for name in entries:
            if name not in names:
                hint = suggestion(name, names)
                yield Problem((part, name), f"{name!r} is not a canonical name of {mapping.kind}{hint}")
    for name in mapping.columns.keys() & mapping.constants.keys():
        yield Problem(("constants", name), f"{name!r} has a column and a constant; keep one")


def _option_problems(mapping: SourceMapping) -> Iterator[Problem]:
    for name, column in mapping.columns.items():
        if name not in mapping.record.names:
            continue
        kind = mapping.record.field(name).type
        for option in sorted(column.model_fields_set & (_TYPED_OPTIONS - _OPTIONS[kind])):
            yield Problem(
                ("columns", name, option), f"{option!r} says nothing about {name}, which is {_ARTICLE[kind]}"
            )
        if column.origin is not None and column.unit is None:
            yield Problem(
                ("columns", name, "origin"),
                "'origin' needs a 'unit': one of " + ", ".join(get_args(TimeUnit)),
            )


def _template_problems(mapping: SourceMapping) -> Iterator[Problem]:
    for name, column in mapping.columns.items():
        if column.template is None:
            continue
        try:
            empty = not any(field for _, field, _, _ in Formatter().parse(column.template))
        except ValueError as error:
            yield Problem(("columns", name, "template"), f"the template is wrong: {error}")
            continue
        if empty:
            yield Problem(
                ("columns", name, "template"), "the template names no column in braces, such as {User}-{Card}"
            )


def _missing_problems(mapping: SourceMapping) -> Iterator[Problem]:
    given = mapping.columns.keys() | mapping.constants.keys()
    wanted = [field.name for field in mapping.record.fields if field.required and field.name not in given]
    if mapping.kind == "payments" and not given & {"amount", "amount_minor"}:
        wanted.append("amount")
    if wanted:
        yield Problem(("columns",), f"{', '.join(wanted)}: no column and no constant gives it")
    if {"amount", "amount_minor"} <= given:
        yield Problem(("columns", "amount_minor"), "give amount or amount_minor, not both")
    if "reported_time" in given and "is_fraud" not in given:
        yield Problem(
            ("columns", "reported_time"), "reported_time is when is_fraud was reported; map is_fraud too"
        )


_ARTICLE: dict[FieldType, str] = {
    "identifier": "an identifier",
    "text": "text",
    "flag": "a yes or no",
    "time": "a time",
    "date": "a date",
    "amount": "an amount",
    "minor": "an amount in minor units",
    "number": "a number",
}
