"""Who holds the claim of an idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0005_claim_holders"
down_revision = "0004_live_files"


def upgrade() -> None:
    """Add the column; claims from before have no holder and are given up with time."""
    op.add_column("idempotency_keys", sa.Column("holder", sa.Text))
