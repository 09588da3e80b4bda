"""Inbox, keys, decisions, alerts, control history and audit leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "inbox",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("known_time", sa.BigInteger, nullable=False),
        sa.Column("timezone", sa.Text, nullable=False),
        sa.Column("bodies", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "event_keys",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("source", "kind", "event_id"),
        sqlite_with_rowid=False,
    )
    _create_decisions()
    op.create_table(
        "control",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("known_time", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False, index=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "audit_leaves",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, unique=True),
        sa.Column("leaf", sa.Text, nullable=False),
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("payments", sa.Integer, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("rows", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "record_formats",
        sa.Column("format", sa.Text, primary_key=True),
        sa.Column("schema", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("decision_id", sa.Text, nullable=False),
        sa.Column("raised_time", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float(53), nullable=False),
        sa.Column("level", sa.Text, nullable=False, index=True),
        sa.Column("advice", sa.Text, nullable=False),
    )
