"""Tables of the operational store: the inbox and what was made of it, in record batches.

Events come in by the thousand and are read back in order or by key, so a run of consecutive events of one
kind is one row and its content one block of bytes; only keys, alerts and control events have rows of their own.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

METADATA = MetaData()

INBOX = Table(
    "inbox",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, doc="First event of the run."),
    Column("events", Integer, nullable=False, doc="Events of the run, numbered without a gap."),
    Column("kind", Text, nullable=False, doc="payment, judgement, outcome or control."),
    Column("known_time", BigInteger, nullable=False, doc="Of the first, µs; each next one is 1 µs later."),
    Column("timezone", Text, nullable=False, doc="Time zone of the business day of its payments."),
    Column("bodies", LargeBinary, nullable=False, doc="One canonical JSON line per event, zstd."),
)
EVENT_KEYS = Table(
    "event_keys",
    METADATA,
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event_id", Text, nullable=False, doc="transaction_id of a payment, else the event's own id."),
    Column("sequence", BigInteger, nullable=False),
    Column("body_hash", LargeBinary, nullable=False, doc="BLAKE2b-128 of the canonical JSON line."),
    PrimaryKeyConstraint("source", "kind", "event_id"),
    sqlite_with_rowid=False,
)
DECISIONS = Table(
    "decisions",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, doc="First payment of the run."),
    Column("payments", Integer, nullable=False),
    Column("format", Text, nullable=False, doc="Row format of the block, see record_formats."),
    Column("rows", LargeBinary, nullable=False, doc="Arrow record batch message, zstd; doubles exact."),
)
RECORD_FORMATS = Table(
    "record_formats",
    METADATA,
    Column("format", Text, primary_key=True, doc="SHA-256 of the Arrow schema message."),
    Column("schema", LargeBinary, nullable=False, doc="Arrow schema message."),
)
ALERTS = Table(
    "alerts",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("raised_time", BigInteger, nullable=False, doc="known_time of the payment, µs."),
    Column("score", Float(53), nullable=False),
    Column("level", Text, nullable=False, index=True),
    Column("advice", Text, nullable=False),
)
CONTROL = Table(
    "control",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("known_time", BigInteger, nullable=False),
    Column("name", Text, nullable=False, index=True),
    Column("value", Text, nullable=False, doc="Canonical JSON."),
)
AUDIT_LEAVES = Table(
    "audit_leaves",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False, doc="0-based, without a gap."),
    Column("sequence", BigInteger, nullable=False, unique=True, doc="Run of the inbox it attests."),
    Column("leaf", Text, nullable=False, doc="Canonical JSON."),
)
