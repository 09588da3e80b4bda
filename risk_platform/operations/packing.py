"""Blocks of bytes in the store: text and Arrow rows, compressed, with their length before it."""

import hashlib

import pyarrow as pa

_CODEC = pa.Codec("zstd", 1)
_LENGTH_BYTES = 8


def pack(content: bytes | memoryview | pa.Buffer) -> bytes:
    """`content` compressed, preceded by its length."""
    compressed: bytes = _CODEC.compress(content, asbytes=True)
    return len(content).to_bytes(_LENGTH_BYTES, "little") + compressed


def unpack(packed: bytes) -> pa.Buffer:
    """What was packed."""
    length = int.from_bytes(packed[:_LENGTH_BYTES], "little")
    return _CODEC.decompress(memoryview(packed)[_LENGTH_BYTES:], decompressed_size=length)


def row_format(schema: pa.Schema) -> tuple[str, bytes]:
    """Name and bytes of the row format that a schema is."""
    message = schema.remove_metadata().serialize().to_pybytes()
    return hashlib.sha256(message).hexdigest(), message


def read_rows(content: pa.Buffer, schema_message: bytes) -> pa.RecordBatch:
    """The rows in a record batch message of that format."""
    schema = pa.ipc.read_schema(pa.py_buffer(schema_message))
    return pa.ipc.read_record_batch(content, schema)
