"""What the inbox adds to a payment: sequence, known time, business day, partition."""

import zlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.lake.tables import PAYMENT_COLUMNS
from risk_platform.transactions.partition import PARTITIONS

_SCHEMA = pa.schema([(column.name, column.type) for column in PAYMENT_COLUMNS])


def stamped(payments: pa.Table, sequence: int, known_time: int, timezone: str) -> pa.Table:
    """The payments, one at least, in the columns of the lake's `transactions`.

    Row i has the number `sequence` + i and is known at `known_time` + i (µs).
    """
    [batch] = payments.combine_chunks().to_batches()
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    customers = columns["customer_id"].to_pylist()
    columns["sequence"] = _numbers("sequence", np.arange(sequence, sequence + len(customers)))
    columns["known_time"] = _numbers("known_time", np.arange(known_time, known_time + len(customers)))
    partitions = [zlib.crc32(customer.encode()) % PARTITIONS for customer in customers]
    columns["partition"] = _numbers("partition", np.array(partitions, dtype=np.int16))
    local = columns["event_time"].view(pa.timestamp("us", timezone))
    columns["event_date"] = local.cast(_SCHEMA.field("event_date").type)
    rows = pa.RecordBatch.from_arrays([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)
    return pa.Table.from_batches([rows])


def _numbers(name: str, values: npt.NDArray[np.signedinteger]) -> pa.Array:
    kind = _SCHEMA.field(name).type
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
