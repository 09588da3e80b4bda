"""Tickets that open the live stream once."""

import sqlalchemy as sa
from alembic import op

revision = "0004_stream_tickets"
down_revision = "0003_audit_tree"


def upgrade() -> None:
    """Create the table of tickets."""
    op.create_table(
        "stream_tickets",
        sa.Column("ticket_hash", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("expires_time", sa.BigInteger, nullable=False),
    )
