"""Events as systems send them, JSON objects with canonical names, read column by column."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from risk_platform.intake.refusals import Refusals
from risk_platform.privacy.surrogates import spelled_texts, surrogate_texts
from risk_platform.transactions.canonical import RECORDS, Field, FieldType, RecordKind

Event = Mapping[str, Any]
# Canonical name → values, one per event; times are µs since 1970.
Columns = dict[str, list[Any]]

TIMESTAMP = pa.timestamp("us", tz="UTC")
ARROW_TYPES: Mapping[FieldType, pa.DataType] = {
    "identifier": pa.string(),
    "text": pa.string(),
    "time": TIMESTAMP,
    "minor": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
}
_PYTHON_TYPES: Mapping[FieldType, frozenset[type]] = {
    "identifier": frozenset({str}),
    "text": frozenset({str}),
    "time": frozenset({str, datetime}),
    "minor": frozenset({int}),
    "number": frozenset({int, float}),
    "flag": frozenset({bool}),
}
_LARGEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def live_fields(kind: RecordKind) -> tuple[Field, ...]:
    """The canonical fields an event of that kind may have; when it became known is for the inbox to say."""
    return tuple(f for f in RECORDS[kind].fields if not f.virtual and f.name != "known_time")


def read_events(kind: RecordKind, events: Sequence[Event], refusals: Refusals) -> Columns:
    """The values of the events by canonical name; what cannot be read is None and refused by name.

    Times are ISO 8601 with an offset. A field that is not canonical is refused: free text never gets in.
    Identifiers have passed the surrogate seam.
    """
    fields = live_fields(kind)
    _refuse_unknown_fields(events, {field.name for field in fields}, refusals)
    return {field.name: _column(field, events, refusals) for field in fields}


def micros(moment: datetime) -> int:
    """An instant as µs since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def _refuse_unknown_fields(events: Sequence[Event], known: set[str], refusals: Refusals) -> None:
    for position, event in enumerate(events):
        if not event.keys() <= known:
            name = min(str(key) for key in event.keys() - known)
            refusals.add([position], "unknown_field", name[:64], lambda _, name=name: name)  # type: ignore[misc]


def _column(field: Field, events: Sequence[Event], refusals: Refusals) -> list[Any]:
    values = [event.get(field.name, field.default) for event in events]
    allowed = _PYTHON_TYPES[field.type]
    if not set(map(type, values)) <= allowed | {type(None)}:
        wrong = [at for at, value in enumerate(values) if value is not None and type(value) not in allowed]
        _blank(field, values, wrong, "wrong_type", refusals)
    match field.type:
        case "identifier":
            return surrogate_texts(_encodable(field, values, refusals))
        case "text":
            return spelled_texts(_encodable(field, values, refusals))
        case "time":
            return _instants(field, values, refusals)
        case "minor":
            wrong = [at for at, value in enumerate(values) if value is not None and abs(value) > _LARGEST]
            return _blank(field, values, wrong, "unreadable", refusals)
        case "number":
            # Whatever is not a number of finite size, NaN included, is not within these bounds.
            wrong = [at for at, x in enumerate(values) if x is not None and not -1e300 < x < 1e300]
            return [
                None if x is None else float(x) for x in _blank(field, values, wrong, "not_finite", refusals)
            ]
        case _:
            return values


def _blank(field: Field, values: list[Any], wrong: list[int], fault: str, refusals: Refusals) -> list[Any]:
    """The values without the wrong ones, which are refused."""
    refusals.add(wrong, f"{field.name}_{fault}", field.name, list(values).__getitem__)
    for at in wrong:
        values[at] = None
    return values


def _encodable(field: Field, values: list[Any], refusals: Refusals) -> list[Any]:
    """The texts without those that UTF-8 cannot write: halves of a surrogate pair, which JSON lets pass."""
    if all(text.isascii() for text in values if text is not None):
        return values
    wrong = [at for at, text in enumerate(values) if text is not None and _is_torn(text)]
    return _blank(field, values, wrong, "unreadable", refusals)


def _is_torn(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _instants(field: Field, values: list[Any], refusals: Refusals) -> list[Any]:
    instants = [None if value is None else _instant(value) for value in values]
    wrong = [at for at, value in enumerate(values) if value is not None and instants[at] is None]
    _blank(field, values, wrong, "unreadable", refusals)
    return instants


def _instant(value: str | datetime) -> int | None:
    """µs since 1970; None for what is no time, or one without an offset, which could be any hour."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return None if moment.tzinfo is None else micros(moment)
