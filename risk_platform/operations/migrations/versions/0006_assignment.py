"""An alert may be somebody's before they acknowledge it, and nobody's again."""

import sqlalchemy as sa
from alembic import op

revision = "0006_assignment"
down_revision = "0005_claim_holders"


def upgrade() -> None:
    """Let the state of an alert name nobody, and find the alerts of one user."""
    with op.batch_alter_table("alert_states") as table:
        table.alter_column("assigned_to", existing_type=sa.Text, nullable=True)
    op.create_index("ix_alert_states_assigned_to", "alert_states", ["assigned_to"])
