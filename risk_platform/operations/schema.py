"""Tables of the operational store: the inbox and what was made of it, in record batches.

Events come in by the thousand and are read back in order or by key, so a run of consecutive events of one
kind is one row and its content one block of bytes; only keys, alerts and control events have rows of their own.
Beside them stand the people who sign in, what they did with alerts, and requests that may be repeated.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
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
    Column(
        "sequence",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Of the payment; below zero: history.",
    ),
    Column("source", Text, nullable=False),
    Column("transaction_id", Text, nullable=False),
    Column("decision_id", Text, nullable=False),
    Column("raised_time", BigInteger, nullable=False, doc="known_time of the payment, µs."),
    Column("score", Float(53), nullable=False),
    Column("level", Text, nullable=False, index=True),
    Column("advice", Text, nullable=False),
    # Null on alerts that were raised before these columns were.
    Column("customer_id", Text, index=True),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("channel", Text),
    Column("probability", Float(53)),
    Column("expected_loss", Float(53), nullable=False, doc="Probability × amount, minor units."),
    Column("uncertainty", Float(53), nullable=False, doc="p (1 − p): most where the model cannot tell."),
    Index("one_alert_a_decision", "decision_id", unique=True),
)
LIVE_FILES = Table(
    "live_files",
    METADATA,
    Column("file_id", Text, primary_key=True, doc="SHA-256 of the mapping and of the file's bytes."),
    Column("file_name", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("source", Text, nullable=False, doc="Source of the mapping."),
    Column("record_kind", Text, nullable=False, doc="payments, judgements or outcomes."),
    Column("lines_done", BigInteger, nullable=False, doc="Last line in a committed group, 1-based."),
    Column("accepted", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("finished_number", BigInteger, unique=True, doc="1 for the first file taken in whole."),
    Column("changed_time", BigInteger, nullable=False, doc="µs."),
)
LIVE_REFUSALS = Table(
    "live_refusals",
    METADATA,
    Column("file_id", Text, nullable=False),
    Column("source_line", BigInteger, nullable=False),
    Column("transaction_id", Text),
    Column("rule", Text, nullable=False),
    Column("column", Text, nullable=False),
    Column("value", Text),
    PrimaryKeyConstraint("file_id", "source_line"),
    sqlite_with_rowid=False,
)
ALERT_STATES = Table(
    "alert_states",
    METADATA,
    Column(
        "sequence",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        doc="Of the alert; none: it is open and nobody's.",
    ),
    Column("state", Text, nullable=False, doc="open, acknowledged or resolved."),
    Column("assigned_to", Text, index=True, doc="user_id of who shall work on it; null: nobody."),
    Column("changed_time", BigInteger, nullable=False, doc="µs."),
    Column("is_fraud", Boolean, doc="What it was resolved as."),
    Column("note", Text),
)
USERS = Table(
    "users",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True, doc="In lower case."),
    Column("password_hash", Text, nullable=False, doc="argon2id, in its own notation."),
    Column("role", Text, doc="Null until an Admin approves."),
    Column("state", Text, nullable=False, doc="pending, active or disabled."),
    Column("created_time", BigInteger, nullable=False, doc="µs."),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("expires_time", BigInteger, nullable=False, doc="µs; no refresh goes beyond it."),
    Column("ended", Text, doc="Why it is over: signed_out, token_reused or access_changed."),
)
REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    Column("token_hash", Text, primary_key=True, doc="SHA-256 of the token, hex."),
    Column("session_id", Text, nullable=False, index=True),
    Column("used_time", BigInteger, doc="µs; a token that comes a second time was stolen."),
)
STREAM_TICKETS = Table(
    "stream_tickets",
    METADATA,
    Column(
        "ticket_hash", Text, primary_key=True, doc="SHA-256 of the ticket, hex; the row goes when it is used."
    ),
    Column("session_id", Text, nullable=False),
    Column("expires_time", BigInteger, nullable=False, doc="µs."),
)
IDEMPOTENCY_KEYS = Table(
    "idempotency_keys",
    METADATA,
    Column("user_id", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_hash", Text, nullable=False, doc="SHA-256 of method, path and body, hex."),
    Column("claimed_time", BigInteger, nullable=False, index=True, doc="µs."),
    Column("holder", Text, doc="Name of the worker that carries the request out."),
    Column("status", Integer, doc="Null while the first request is in flight."),
    Column("answer", LargeBinary, doc="Its answer, zstd."),
    PrimaryKeyConstraint("user_id", "idempotency_key"),
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
    Column("sequence", BigInteger, nullable=True, unique=True, doc="Run of the inbox it attests, if any."),
    Column("leaf", Text, nullable=False, doc="Canonical JSON."),
)
AUDIT_TREE = Table(
    "audit_tree",
    METADATA,
    Column("tree", SmallInteger, primary_key=True, autoincrement=False, doc="0: there is one tree."),
    Column("size", BigInteger, nullable=False, doc="Leaves; who appends takes this row first."),
)
AUDIT_NODES = Table(
    "audit_nodes",
    METADATA,
    Column("level", SmallInteger, nullable=False, doc="0 for leaves."),
    Column("place", BigInteger, nullable=False, doc="Of the complete subtree on its level, from 0."),
    Column("hash", LargeBinary, nullable=False, doc="SHA-256, RFC 9162."),
    PrimaryKeyConstraint("level", "place"),
    sqlite_with_rowid=False,
)
AUDIT_SALTS = Table(
    "audit_salts",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, doc="First event of the run."),
    Column("salts", LargeBinary, nullable=False, doc="16 bytes per event, zeros where forgotten."),
)
AUDIT_FORGOTTEN = Table(
    "audit_forgotten",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, doc="Of the event."),
    Column("hash", LargeBinary, nullable=False, doc="Record hash that holds its run's tree together."),
)
AUDIT_DETAILS = Table(
    "audit_details",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False, doc="Leaf of the action."),
    Column("salt", LargeBinary, nullable=False),
    Column("details", LargeBinary, nullable=False, doc="Canonical JSON; the row goes when it is forgotten."),
)
