"""People who sign in, what they do with alerts, repeatable requests; what an alert is about."""

import sqlalchemy as sa
from alembic import op

revision = "0002_service"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables of the service and the columns that alerts are ordered and grouped by."""
    _widen_alerts()
    op.create_table(
        "alert_states",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("assigned_to", sa.Text, nullable=False),
        sa.Column("changed_time", sa.BigInteger, nullable=False),
        sa.Column("is_fraud", sa.Boolean),
        sa.Column("note", sa.Text),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("expires_time", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Text),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False, index=True),
        sa.Column("used_time", sa.BigInteger),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("claimed_time", sa.BigInteger, nullable=False, index=True),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.LargeBinary),
        sa.PrimaryKeyConstraint("user_id", "idempotency_key"),
    )


def _widen_alerts() -> None:
    for column in (
        sa.Column("customer_id", sa.Text),
        sa.Column("amount_minor", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("probability", sa.Float(53)),
        sa.Column("expected_loss", sa.Float(53), nullable=False, server_default="0"),
        sa.Column("uncertainty", sa.Float(53), nullable=False, server_default="0"),
    ):
        op.add_column("alerts", column)
    op.create_index("ix_alerts_customer_id", "alerts", ["customer_id"])
