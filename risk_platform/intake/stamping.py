"""What the inbox adds to a payment: sequence, known time, business day, partition."""

import zlib

import numpy as np
import pyarrow as pa

from risk_platform.lake.tables import PAYMENT_COLUMNS
from risk_platform.local_time import DAY_US, local_micros
from risk_platform.transactions.partition import PARTITIONS

_SCHEMA = pa.schema([(column.name, column.type) for column in PAYMENT_COLUMNS])
_TYPES = {field.name: field.type for field in _SCHEMA}


def stamped(payments: pa.Table, sequence: int, known_time: int, timezone: str) -> pa.Table:
    """The payments, one at least, in the columns of the lake's `transactions`; each column is in one piece.

    Row i has the number `sequence` + i and is known at `known_time` + i (µs).
    """
    count = payments.num_rows
    if payments.column(0).num_chunks > 1:
        payments = payments.combine_chunks()
    columns = dict(zip(payments.schema.names, payments.columns, strict=True))
    moments = columns["event_time"].chunk(0).view(pa.int64()).to_numpy()
    customers = columns["customer_id"].to_pylist()
    stamps = {
        "sequence": np.arange(sequence, sequence + count),
        "partition": np.array(
            [zlib.crc32(customer.encode()) % PARTITIONS for customer in customers], np.int16
        ),
        "event_date": (local_micros(moments, timezone) // DAY_US).astype(np.int32),
        "known_time": np.arange(known_time, known_time + count),
    }
    for name, values in stamps.items():
        columns[name] = pa.Array.from_buffers(_TYPES[name], count, [None, pa.py_buffer(values)])
    # Of one schema for ever: to compare two of them that were made apart takes longer than to make this table.
    return pa.Table.from_arrays([columns[name] for name in _TYPES], schema=_SCHEMA)
