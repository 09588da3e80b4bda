"""Text files as a stream of UTF-8 chunks with one kind of line break, whatever they were written in."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from risk_platform.errors import InputError

CHUNK_BYTES = 4 << 20


def utf8_chunks(stream: BinaryIO, name: str, encoding: str) -> Iterator[bytes]:
    """The stream as UTF-8, breaks as newlines, no byte order mark; undecodable bytes stay as they are."""
    chunks = _newline_chunks(_transcoded(stream, name, encoding))
    beginning = b""
    while len(beginning) <= len(codecs.BOM_UTF8) and (chunk := next(chunks, b"")):
        beginning += chunk
    yield beginning.removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _transcoded(stream: BinaryIO, name: str, encoding: str) -> Iterator[bytes]:
    if encoding == "utf-8":
        yield from iter(lambda: stream.read(CHUNK_BYTES), b"")
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield decoder.decode(chunk).encode("utf-8", "surrogateescape")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
    except UnicodeError as error:
        raise InputError(f"{name} is not {encoding} text; set `encoding` in the mapping: {error}.") from error


def _newline_chunks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks with CR LF and lone CR as LF; a CR at the end of a chunk waits for the next."""
    held = b""
    for chunk in chunks:
        joined = held + chunk
        held = b"\r" if joined.endswith(b"\r") else b""
        body = joined[: len(joined) - len(held)]
        if not body:
            continue
        yield body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in body else body
    if held:
        yield b"\n"
