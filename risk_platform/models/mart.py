"""The feature mart as model inputs: labelled payments in one fixed order, and the values of chosen rows."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from risk_platform.errors import ContractError
from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import JUDGEMENTS, PAYMENT_FEATURES
from risk_platform.models.payments import Ints, Judgements, LabelledPayments, Matrix

# A payment is addressed by its place in this order; each day is sorted anew when its values are read.
_SPINE = """
    create temp table spine as
    select
        row_number() over (order by f.event_date, f.source, f.transaction_id) - 1 as payment,
        f.source, f.transaction_id, epoch_us(f.event_time) as event_time,
        f.event_date - date '1970-01-01' as event_day, t.customer_id, t.amount_minor
    from {table} as f
    left join raw_transactions as t
        on t.event_date = f.event_date and t.source = f.source and t.transaction_id = f.transaction_id
"""
_PAYMENTS = """
    select event_time, event_day, coalesce(amount_minor, 0) as amount,
        dense_rank() over (order by customer_id) - 1 as customer
    from spine order by payment
"""
_JUDGEMENTS = """
    select s.payment, epoch_us(j.known_time) as known_time, j.is_fraud
    from judgements as j join spine as s using (source, transaction_id)
    order by j.known_time, j.judgement_id
"""


def labelled_payments(lake: Lake, table: Table) -> LabelledPayments:
    """The payments of raw_transactions or payment_features by day and key, with all their judgements."""
    with lake.connect() as session:
        session.execute(_SPINE.format(table=table.name))
        columns = session.sql(_PAYMENTS).fetchnumpy()
        judged = session.sql(_JUDGEMENTS).fetchnumpy()
    numbers = {name: column.astype(np.int64) for name, column in columns.items()}
    judgements = Judgements.sorted(
        judged["payment"].astype(np.int64),
        judged["known_time"].astype(np.int64),
        judged["is_fraud"].astype(np.bool_),
    )
    return LabelledPayments(**numbers, judgements=judgements)


@dataclass(frozen=True)
class LakeVersions:
    """Delta versions of the tables a model was made from."""

    payment_features: int
    judgements: int


@dataclass(frozen=True)
class FeatureMart:
    """`payment_features` at one version: `payments` with their judgements, and `names` of the features."""

    payments: LabelledPayments
    names: tuple[str, ...]
    versions: LakeVersions
    _dataset: ds.Dataset
    _day_starts: dict[int, int]

    @classmethod
    def open(cls, lake: Lake) -> Self:
        """The mart as it is now; raises ContractError when it has no payment."""
        versions = LakeVersions(lake.version(PAYMENT_FEATURES), lake.version(JUDGEMENTS))
        dataset = lake.dataset(
            PAYMENT_FEATURES, versions.payment_features if versions.payment_features >= 0 else None
        )
        payments = labelled_payments(lake, PAYMENT_FEATURES)
        if len(payments) == 0:
            raise ContractError("The feature mart is empty; ingest payments and build the features first.")
        days, starts = np.unique(payments.event_day, return_index=True)
        names = tuple(name for name in dataset.schema.names if name not in PAYMENT_FEATURES.column_names)
        return cls(payments, names, versions, dataset, dict(zip(days.tolist(), starts.tolist(), strict=True)))

    def values(self, rows: Ints, features: tuple[str, ...], dtype: type[np.float32 | np.float64]) -> Matrix:
        """Feature values of the payments `rows` (ascending), shape (rows, features), NaN where absent."""
        out = np.empty((len(rows), len(features)), dtype=dtype)
        days = self.payments.event_day[rows]
        borders = np.flatnonzero(np.diff(days, prepend=np.nan, append=np.nan))
        for start, end in pairwise(borders.tolist()):
            day = int(days[start])
            table = self._day(day, rows[start:end] - self._day_starts[day], features)
            for column, name in enumerate(features):
                out[start:end, column] = table[name].to_numpy()
        return out

    def _day(self, day: int, offsets: Ints, features: tuple[str, ...]) -> pa.Table:
        event_date = pa.scalar(day, pa.int32()).cast(pa.date32())
        table = self._dataset.to_table(
            columns=["source", "transaction_id", *features], filter=pc.field("event_date") == event_date
        )
        order = pc.sort_indices(table, [("source", "ascending"), ("transaction_id", "ascending")])
        return table.select(list(features)).take(order.take(pa.array(offsets)))
