"""How far each live file is taken in, its refused lines, and one alert for each decision whoever raised it."""

import sqlalchemy as sa
from alembic import op

revision = "0004_live_files"
down_revision = "0004_stream_tickets"


def upgrade() -> None:
    """Create the tables of live files, and hold alerts to one for each decision."""
    op.create_table(
        "live_files",
        sa.Column("file_id", sa.Text, primary_key=True),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("mapping", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("record_kind", sa.Text, nullable=False),
        sa.Column("lines_done", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("finished_number", sa.BigInteger, unique=True),
        sa.Column("changed_time", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "live_refusals",
        sa.Column("file_id", sa.Text, nullable=False),
        sa.Column("source_line", sa.BigInteger, nullable=False),
        sa.Column("transaction_id", sa.Text),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("column", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.PrimaryKeyConstraint("file_id", "source_line"),
        sqlite_with_rowid=False,
    )
    op.create_index("one_alert_a_decision", "alerts", ["decision_id"], unique=True)
