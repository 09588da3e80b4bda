"""What the inbox adds to a payment: sequence, known time, business day, partition."""

import zlib

import numpy as np
import pyarrow as pa

from risk_platform.intake.events import TIMESTAMP
from risk_platform.lake.tables import PAYMENT_COLUMNS
from risk_platform.transactions.partition import PARTITIONS

_COLUMNS = [column.name for column in PAYMENT_COLUMNS]
_TYPES = {column.name: column.type for column in PAYMENT_COLUMNS}


def stamped(payments: pa.Table, sequence: int, known_time: int, timezone: str) -> pa.Table:
    """The payments in the columns of the lake's `transactions`.

    Row i has the number `sequence` + i and is known at `known_time` + i (µs).
    """
    count = payments.num_rows
    customers = payments.column("customer_id").to_pylist()
    local = payments.column("event_time").combine_chunks().view(pa.timestamp("us", timezone))
    columns = dict(zip(payments.column_names, payments.columns, strict=True)) | {
        "sequence": pa.array(np.arange(sequence, sequence + count)),
        "partition": pa.array([zlib.crc32(c.encode()) % PARTITIONS for c in customers], pa.int16()),
        "known_time": pa.array(np.arange(known_time, known_time + count)).view(TIMESTAMP),
        "event_date": local.cast(_TYPES["event_date"]),
    }
    return pa.table({name: columns[name] for name in _COLUMNS})
