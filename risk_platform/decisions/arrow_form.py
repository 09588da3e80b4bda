"""What goes into a message of Arrow beside its columns: the header of its schema, and texts one behind the other."""

import struct
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int32]
Texts = tuple[Ends, Bytes]
"""Where the texts begin and end in the bytes, one number more than there are texts."""
_PREFIX = 8
# Slots of the tables Message and RecordBatch in Arrow's Message.fbs.
_BATCH, _BODY_LENGTH = 2, 3
_ROWS, _NODES, _BUFFERS = 0, 1, 2
_ALIGNMENT = 8


class Form:
    """What the messages of one schema have in common."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        nothing = [pa.nulls(1, kind) for kind in schema.types]
        self._sample = pa.RecordBatch.from_arrays(nothing, schema=schema).serialize().to_pybytes()

    @cached_property
    def header(self) -> Bytes:
        """The message up to its body, of a batch of the schema."""
        (length,) = struct.unpack_from("<i", self._sample, 4)
        return np.frombuffer(self._sample, np.uint8)[: _PREFIX + length].copy()

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Places in the header of the lengths of body and batch, the first node and the first buffer, in int64s."""
        (root,) = struct.unpack_from("<I", self._sample, _PREFIX)
        message = _PREFIX + root
        batch = self._target(self._slot(message, _BATCH))
        nodes, buffers = (self._target(self._slot(batch, vector)) + 4 for vector in (_NODES, _BUFFERS))
        found = (self._slot(message, _BODY_LENGTH), self._slot(batch, _ROWS), nodes, buffers)
        return np.array(found, dtype=np.int64) // 8

    @cached_property
    def padding(self) -> int:
        """The most bytes by which a message is longer than its header and what its buffers hold."""
        buffers = int.from_bytes(self._sample[self.places[3] * 8 - 4 : self.places[3] * 8], "little")
        return _ALIGNMENT * buffers

    def read(self, message: npt.NDArray[np.int64]) -> pa.RecordBatch:
        """The batch that is written in `message`, which it keeps."""
        return pa.ipc.read_record_batch(pa.py_buffer(message), self.schema)

    def _slot(self, table: int, slot: int) -> int:
        (back,) = struct.unpack_from("<i", self._sample, table)
        (offset,) = struct.unpack_from("<H", self._sample, table - back + 4 + 2 * slot)
        return table + int(offset)

    def _target(self, place: int) -> int:
        (forward,) = struct.unpack_from("<I", self._sample, place)
        return place + int(forward)


def joined(texts: list[str]) -> Texts:
    """Texts one behind the other."""
    parts = [text.encode() for text in texts]
    ends = np.zeros(len(parts) + 1, dtype=np.int32)
    np.cumsum([len(part) for part in parts], out=ends[1:])
    return ends, np.frombuffer(b"".join(parts), np.uint8)


def texts_of(column: pa.Array) -> Texts:
    """The texts of a column of strings as they lie in memory."""
    _, ends, content = column.buffers()
    offsets = np.frombuffer(ends, np.int32, len(column) + 1, 4 * column.offset)
    return offsets, np.frombuffer(content or b"", np.uint8)
