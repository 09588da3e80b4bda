"""The audit log's tree: its size, the hashes of its complete subtrees, and the salts of the records it binds."""

import sqlalchemy as sa
from alembic import op

from risk_platform.errors import ServiceError

revision = "0003_audit_tree"
down_revision = "0002_service"


def upgrade() -> None:
    """Create the tree's tables, and the table of leaves anew: a leaf may belong to no run of the inbox."""
    count = sa.select(sa.func.count()).select_from(sa.table("audit_leaves"))
    if op.get_bind().execute(count).scalar_one():
        raise ServiceError(
            "The operational store was written before its audit log was a tree and cannot be proved; move it "
            "aside and start with a new one."
        )
    op.drop_table("audit_leaves")
    op.create_table(
        "audit_leaves",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=True, unique=True),
        sa.Column("leaf", sa.Text, nullable=False),
    )
    _create_tree()
    _create_salts()


def _create_tree() -> None:
    tree = op.create_table(
        "audit_tree",
        sa.Column("tree", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(tree, [{"tree": 0, "size": 0}])
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "place"),
        sqlite_with_rowid=False,
    )


def _create_salts() -> None:
    op.create_table(
        "audit_salts",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("salts", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_forgotten",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_details",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
    )
