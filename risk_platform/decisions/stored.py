"""One payment's rows of the lake: its decision, itself, and its features."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.errors import InputError
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES, TRANSACTIONS


@dataclass(frozen=True)
class StoredDecision:
    """A decision with its payment and, where the mart still has them, its features; one row each."""

    decision: pa.Table
    payment: pa.Table
    mart: pa.Table | None


def find_stored(lake: Lake, name: str) -> StoredDecision | None:
    """The decision on the payment `name`, its identifier or SOURCE:IDENTIFIER; None when the lake has none.

    Raises InputError when the payment itself is gone, or several sources have one of that name.
    """
    decision = _decision(lake, name)
    if decision is None:
        return None
    day = decision.column("event_date")[0]
    key = [decision.column(each)[0] for each in ("source", "transaction_id")]

    def same_day(table: Table) -> pa.Table:
        source, identifier = key
        where = (pc.field("event_date") == day) & (pc.field("transaction_id") == identifier)
        return lake.read(table, filter=where & (pc.field("source") == source))

    payment, mart = same_day(TRANSACTIONS), same_day(PAYMENT_FEATURES)
    if not payment.num_rows:
        raise InputError(f"The lake has a decision on {name} but not the payment; ingest it again.")
    return StoredDecision(decision, payment, mart if mart.num_rows else None)


def _decision(lake: Lake, name: str) -> pa.Table | None:
    found = lake.read(DECISIONS, filter=pc.field("transaction_id") == name)
    if not found.num_rows and ":" in name:
        source, identifier = name.split(":", 1)
        where = (pc.field("transaction_id") == identifier) & (pc.field("source") == source)
        found = lake.read(DECISIONS, filter=where)
    if not found.num_rows:
        return None
    if found.num_rows > 1:
        sources = ", ".join(sorted(found.column("source").to_pylist()))
        raise InputError(f"Payments called {name} came from {sources}; name one as SOURCE:{name}.")
    return found
