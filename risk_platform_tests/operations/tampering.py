"""What somebody with access to the database may do to an audit trail of eleven leaves."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from risk_platform.audit.tree import Frontier, leaf_hash
from risk_platform.operations.packing import pack, unpack
from risk_platform.operations.schema import (
    ALERTS,
    AUDIT_LEAVES,
    AUDIT_NODES,
    AUDIT_SALTS,
    AUDIT_TREE,
    DECISIONS,
    INBOX,
)
from risk_platform_tests.operations.audit_trails import RUNS
from risk_platform_tests.operations.runs import payment_run


def shift(connection: Connection, first: int, by: int) -> None:
    """Renumber the leaves from `first` on."""
    leaves = AUDIT_LEAVES.c
    query = sa.select(leaves.position).where(leaves.position >= first).order_by(leaves.position)
    places: list[int] = list(connection.execute(query).scalars())
    for place in places if by < 0 else reversed(places):
        change = sa.update(AUDIT_LEAVES).where(leaves.position == place)
        connection.execute(change.values(position=place + by))


def rehash(connection: Connection) -> None:
    """Make every stored hash anew from the leaves, as one would who covers a forgery."""
    query = sa.select(AUDIT_LEAVES.c.leaf).order_by(AUDIT_LEAVES.c.position)
    leaves: list[str] = list(connection.execute(query).scalars())
    connection.execute(AUDIT_NODES.delete())
    nodes = Frontier().extend([leaf_hash(leaf.encode()) for leaf in leaves])
    connection.execute(AUDIT_NODES.insert(), [node._asdict() for node in nodes])
    connection.execute(AUDIT_TREE.update().values(size=len(leaves)))


def edit_leaf(connection: Connection) -> None:
    query = sa.select(AUDIT_LEAVES.c.leaf).where(AUDIT_LEAVES.c.position == 5)
    text: str = connection.execute(query).scalar_one()
    change = sa.update(AUDIT_LEAVES).where(AUDIT_LEAVES.c.position == 5)
    connection.execute(change.values(leaf=text.replace('"events":2', '"events":3')))


def delete_leaf(connection: Connection) -> None:
    connection.execute(AUDIT_LEAVES.delete().where(AUDIT_LEAVES.c.position == 5))


def delete_leaf_and_renumber(connection: Connection) -> None:
    delete_leaf(connection)
    shift(connection, 6, -1)


def insert_leaf(connection: Connection) -> None:
    shift(connection, 5, 1)
    leaf = {"position": 5, "sequence": None, "leaf": '{"kind":"payment","version":1}'}
    connection.execute(AUDIT_LEAVES.insert(), leaf)


def reorder_leaves(connection: Connection) -> None:
    place = AUDIT_LEAVES.c.position
    for was, now in ((5, -1), (8, 5), (-1, 8)):
        connection.execute(sa.update(AUDIT_LEAVES).where(place == was).values(position=now))


def truncate_leaves(connection: Connection) -> None:
    connection.execute(AUDIT_LEAVES.delete().where(AUDIT_LEAVES.c.position >= 9))


def truncate_leaves_and_hashes(connection: Connection) -> None:
    """The store's own count is forgotten."""
    truncate_leaves(connection)
    rehash(connection)
    connection.execute(AUDIT_TREE.update().values(size=RUNS))


def rewrite(connection: Connection) -> None:
    edit_leaf(connection)
    rehash(connection)


def rewrite_a_deletion(connection: Connection) -> None:
    delete_leaf_and_renumber(connection)
    rehash(connection)


def edit_leaf_hash(connection: Connection) -> None:
    node = sa.and_(AUDIT_NODES.c.level == 0, AUDIT_NODES.c.place == 5)
    connection.execute(sa.update(AUDIT_NODES).where(node).values(hash=bytes(32)))


def edit_inner_hash(connection: Connection) -> None:
    node = sa.and_(AUDIT_NODES.c.level == 2, AUDIT_NODES.c.place == 1)
    connection.execute(sa.update(AUDIT_NODES).where(node).values(hash=bytes(32)))


def edit_payment(connection: Connection) -> None:
    packed: bytes = connection.execute(sa.select(INBOX.c.bodies).where(INBOX.c.sequence == 5)).scalar_one()
    bodies = pack(unpack(packed).to_pybytes().replace(b'"amount_minor": 100', b'"amount_minor": 999'))
    connection.execute(sa.update(INBOX).where(INBOX.c.sequence == 5).values(bodies=bodies))


def edit_decision(connection: Connection) -> None:
    """The decision of another run in the place of this one."""
    run = payment_run(5, ["T5", "T6"], [0.1, 0.8]).decisions
    assert run is not None
    change = sa.update(DECISIONS).where(DECISIONS.c.sequence == 5)
    connection.execute(change.values(rows=pack(run.serialize())))


def delete_run(connection: Connection) -> None:
    connection.execute(INBOX.delete().where(INBOX.c.sequence == 5))


def delete_last_run(connection: Connection) -> None:
    connection.execute(INBOX.delete().where(INBOX.c.sequence == 2 * RUNS - 1))


def insert_run(connection: Connection) -> None:
    row = {"sequence": 23, "events": 1, "kind": "payment", "known_time": 1, "timezone": "UTC"}
    connection.execute(INBOX.insert(), row | {"bodies": pack(b"{}")})


def edit_time(connection: Connection) -> None:
    connection.execute(sa.update(INBOX).where(INBOX.c.sequence == 5).values(known_time=7))


def delete_salts(connection: Connection) -> None:
    connection.execute(AUDIT_SALTS.delete().where(AUDIT_SALTS.c.sequence == 5))


def delete_alert(connection: Connection) -> None:
    connection.execute(ALERTS.delete().where(ALERTS.c.sequence == 6))


def edit_alert(connection: Connection) -> None:
    connection.execute(sa.update(ALERTS).where(ALERTS.c.sequence == 6).values(level="LOW"))
