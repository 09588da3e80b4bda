"""The canonical records: what a source may be mapped to, how values are read, what identifies a record."""

from dataclasses import dataclass
from typing import Literal

RecordKind = Literal["payments", "judgements", "outcomes", "parties"]
FieldType = Literal["identifier", "text", "time", "date", "amount", "minor", "number", "flag"]


@dataclass(frozen=True)
class Field:
    """One canonical name: how its values are read and what stands in when the source has none.

    A field is `required` when a mapping has to give it. A `virtual` field is read from the source but never
    stored: other columns are made of it.
    """

    name: str
    type: FieldType
    required: bool = False
    default: str | None = None
    virtual: bool = False


@dataclass(frozen=True)
class Record:
    """One kind of record: its fields, the key that makes it unique, and how a missing identifier is made.

    `identified_by` names the fields that a missing first key column is derived from.
    """

    kind: RecordKind
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    identified_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """The field called `name`; raises KeyError when the record has none."""
        return (
            next(field for field in self.fields if field.name == name)
            if name in self.names
            else _unknown(name)
        )


def _unknown(name: str) -> Field:
    raise KeyError(name)


_SOURCE = Field("source", "text")
_PAYMENT_KEY = ("source", "transaction_id")

PAYMENTS = Record(
    "payments",
    (
        _SOURCE,
        Field("transaction_id", "identifier", required=True),
        Field("event_time", "time", required=True),
        Field("known_time", "time"),
        Field("kind", "text", default="purchase"),
        Field("status", "text", default="completed"),
        Field("customer_id", "identifier", required=True),
        Field("instrument_id", "identifier"),
        Field("counterparty_id", "identifier"),
        Field("counterparty_type", "text"),
        Field("amount", "amount", virtual=True),
        Field("amount_minor", "minor"),
        Field("currency", "text", default="INR"),
        Field("channel", "text", required=True),
        Field("mcc", "text"),
        Field("device_id", "identifier"),
        Field("ip_token", "identifier"),
        Field("latitude", "number"),
        Field("longitude", "number"),
        Field("city", "text"),
        Field("country", "text"),
        Field("is_fraud", "flag", virtual=True),
        Field("reported_time", "time", virtual=True),
    ),
    _PAYMENT_KEY,
)
JUDGEMENTS = Record(
    "judgements",
    (
        Field("judgement_id", "identifier"),
        _SOURCE,
        Field("transaction_id", "identifier", required=True),
        Field("is_fraud", "flag", required=True),
        Field("known_time", "time", required=True),
        Field("judged_by", "text", required=True),
        Field("confidence", "number"),
    ),
    ("judgement_id",),
    ("source", "transaction_id", "judged_by", "known_time", "is_fraud"),
)
OUTCOMES = Record(
    "outcomes",
    (
        Field("outcome_id", "identifier"),
        _SOURCE,
        Field("transaction_id", "identifier", required=True),
        Field("outcome", "text", required=True),
        Field("known_time", "time", required=True),
    ),
    ("outcome_id",),
    ("source", "transaction_id", "outcome", "known_time"),
)
PARTIES = Record(
    "parties",
    (
        Field("party_id", "identifier", required=True),
        Field("kind", "text", required=True),
        Field("age_band", "text"),
        Field("opened_date", "date"),
        Field("valid_from", "time", required=True),
        Field("known_time", "time"),
    ),
    ("party_id", "valid_from"),
)

RECORDS: dict[RecordKind, Record] = {
    record.kind: record for record in (PAYMENTS, JUDGEMENTS, OUTCOMES, PARTIES)
}
