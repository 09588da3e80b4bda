"""SHA-256 (FIPS 180-4) of many messages side by side, sixteen in the lanes of vector registers.

One message after the other costs the interpreter a call each, and a processor without SHA instructions four
times as long. Digests are those of `hashlib`; a test holds them to it.
"""

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.audit.byte_rows import ByteRows, Bytes, Places, string_rows
from risk_platform.audit.tree import complete_levels, edge_places, root_of_edge
from risk_platform.kernels import copy_bytes, inline, kernel

Words = npt.NDArray[np.uint32]
DIGEST_BYTES = 32
_BLOCK = 64
# Behind a message come a set bit and its length in bits.
_TRAILER = 9
# Levels of a tree that have fewer hashes are done sooner one by one.
_WORTHWHILE = 64


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(value: int) -> int:
    root = int(float(value) ** (1 / 3))
    while root**3 > value:
        root -= 1
    while (root + 1) ** 3 <= value:
        root += 1
    return root


# The first 32 bits of the fractions of square and cube roots of primes.
_START = np.array([isqrt(prime << 64) & 0xFFFFFFFF for prime in _primes(8)], dtype=np.uint32)
_ROUNDS = np.array([_cube_root(prime << 96) & 0xFFFFFFFF for prime in _primes(64)], dtype=np.uint32)
_U = np.uint32
_LANES = 16
# One array holds all that a group of lanes works on, so that the compiler sees what lies apart: 64 words of the
# message schedule, the eight working words a to h, and the eight of the state, sixteen lanes each.
_A, _B, _C, _D, _E, _F, _G, _H = range(64 * _LANES, 72 * _LANES, _LANES)
_STATE = 72 * _LANES
_SIZE = 80 * _LANES


class Messages:
    """Messages under construction: part after part is put to the end of each, then all are hashed."""

    def __init__(self, lengths: Places) -> None:
        """As many messages as `lengths`, of so many bytes each."""
        blocks = (lengths + (_TRAILER + _BLOCK - 1)) // _BLOCK
        self._first = np.concatenate([np.zeros(1, np.int64), np.cumsum(blocks)])
        self._lengths = lengths
        self._end = self._first[:-1] * _BLOCK
        self._bytes = np.empty(int(self._first[-1]) * _BLOCK, dtype=np.uint8)

    def put(self, data: Bytes, starts: Places, lengths: Places) -> None:
        """Put the bytes `data[starts[i]:starts[i] + lengths[i]]` to the end of message i."""
        _append(self._bytes, self._end, data, starts, lengths)
        self._end = self._end + lengths

    def digests(self) -> Bytes:
        """Their SHA-256, (messages × 32); every message must be as long as was said."""
        _pad(self._bytes, self._first, self._lengths)
        digests = np.empty((len(self._lengths), 8), dtype=np.uint32)
        _hash(self._bytes.view(np.uint32), self._first, digests, _START, _ROUNDS)
        return digests.view(np.uint8)


def prefixed_digests(prefix: bytes, rows: Bytes) -> Bytes:
    """SHA-256 of the prefix and each row of (n × width), (n × 32)."""
    count, width = rows.shape
    messages = Messages(np.full(count, len(prefix) + width))
    put_prefix(messages, prefix, count)
    messages.put(rows.reshape(-1), np.arange(count) * width, np.full(count, width))
    return messages.digests()


def text_digests(prefix: bytes, columns: Sequence[pa.Array]) -> Bytes:
    """SHA-256 of the prefix and the texts of each row, a unit separator (0x1f) in front of each, (n × 32)."""
    texts = [string_rows(column) for column in columns]
    count = len(columns[0])
    widths = sum(lengths + 1 for _, _, lengths in texts)
    messages = Messages(np.asarray(widths) + len(prefix))
    put_prefix(messages, prefix, count)
    for data, starts, lengths in texts:
        put_prefix(messages, b"\x1f", count)
        messages.put(data, starts, lengths)
    return messages.digests()


def put_prefix(messages: Messages, prefix: bytes, count: int) -> None:
    """Put the same bytes to the end of each of `count` messages."""
    zeros = np.zeros(count, dtype=np.int64)
    messages.put(np.frombuffer(prefix, np.uint8), zeros, zeros + len(prefix))


def put_rows(messages: Messages, rows: ByteRows, *, with_feed: bool) -> None:
    """Put each row, with the line feed behind it or without, to the end of its message."""
    messages.put(rows.data, rows.offsets[:-1], np.diff(rows.offsets) - (not with_feed))


def root_of(hashes: Bytes) -> bytes:
    """Root of the tree of RFC 9162 over leaf hashes (n × 32)."""
    edge: list[bytes] = []
    while len(hashes) >= _WORTHWHILE:
        if len(hashes) & 1:
            edge.append(hashes[-1].tobytes())
        pairs = hashes[: len(hashes) // 2 * 2].reshape(-1, 2 * DIGEST_BYTES)
        hashes = prefixed_digests(b"\x01", pairs)
    levels = complete_levels([row.tobytes() for row in hashes])
    larger = [levels[level][place] for level, place in edge_places(len(hashes))]
    return root_of_edge([*larger, *reversed(edge)])


@kernel
def _append(out: Any, at: Any, data: Any, starts: Any, lengths: Any) -> None:
    for row in range(len(at)):
        copy_bytes(out, at[row], data, starts[row], lengths[row])


@kernel
def _pad(out: Any, first: Any, lengths: Any) -> None:
    for row in range(len(lengths)):
        begin, end = first[row] * _BLOCK + lengths[row], first[row + 1] * _BLOCK
        out[begin:end] = 0
        out[begin] = 128
        bits = lengths[row] * 8
        for place in range(8):
            out[end - 1 - place] = (bits >> (8 * place)) & 255


@inline
def _turned(x: Any, by: Any) -> Any:
    return _U(_U(x >> _U(by)) | _U(x << _U(32 - by)))


@inline
def _swapped(x: Any) -> Any:
    """The word with its bytes in the other order."""
    outer = _U(x >> _U(24)) | _U(x << _U(24))
    return outer | _U(_U(x >> _U(8)) & _U(0xFF00)) | _U(_U(x << _U(8)) & _U(0xFF0000))


@inline
def _round(x: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, w: Any, k: Any) -> None:
    """One round in every lane; the words move up by their names, so only two are written."""
    for lane in range(_LANES):
        one, five = x[a + lane], x[e + lane]
        mixed = _turned(five, 6) ^ _turned(five, 11) ^ _turned(five, 25)
        chosen = (five & x[f + lane]) ^ (~five & x[g + lane])
        step = _U(x[h + lane] + mixed + _U(chosen) + _U(k) + x[w + lane])
        major = (one & x[b + lane]) ^ (one & x[c + lane]) ^ (x[b + lane] & x[c + lane])
        x[d + lane] = _U(x[d + lane] + step)
        x[h + lane] = _U(step + _U(_turned(one, 2) ^ _turned(one, 13) ^ _turned(one, 22)) + _U(major))


@inline
def _schedule(x: Any) -> None:
    for at in range(16 * _LANES, 64 * _LANES, _LANES):
        for lane in range(_LANES):
            y, z = x[at - 15 * _LANES + lane], x[at - 2 * _LANES + lane]
            low = _turned(y, 7) ^ _turned(y, 18) ^ _U(y >> _U(3))
            high = _turned(z, 17) ^ _turned(z, 19) ^ _U(z >> _U(10))
            x[at + lane] = _U(x[at - 16 * _LANES + lane] + low + x[at - 7 * _LANES + lane] + high)


@inline
def _compress(x: Any, rounds: Any) -> None:
    _schedule(x)
    for place in range(8 * _LANES):
        x[_A + place] = x[_STATE + place]
    for t in range(0, 64, 8):
        w = t * _LANES
        _round(x, _A, _B, _C, _D, _E, _F, _G, _H, w, rounds[t])
        _round(x, _H, _A, _B, _C, _D, _E, _F, _G, w + _LANES, rounds[t + 1])
        _round(x, _G, _H, _A, _B, _C, _D, _E, _F, w + 2 * _LANES, rounds[t + 2])
        _round(x, _F, _G, _H, _A, _B, _C, _D, _E, w + 3 * _LANES, rounds[t + 3])
        _round(x, _E, _F, _G, _H, _A, _B, _C, _D, w + 4 * _LANES, rounds[t + 4])
        _round(x, _D, _E, _F, _G, _H, _A, _B, _C, w + 5 * _LANES, rounds[t + 5])
        _round(x, _C, _D, _E, _F, _G, _H, _A, _B, w + 6 * _LANES, rounds[t + 6])
        _round(x, _B, _C, _D, _E, _F, _G, _H, _A, w + 7 * _LANES, rounds[t + 7])


@inline
def _add(x: Any, block: Any, left: Any, at: Any) -> None:
    """Add the working words to the state and go to the next block; a lane that is through keeps both."""
    for lane in range(_LANES):
        on = _U(0xFFFFFFFF) if block < left[lane] else _U(0)
        for word in range(0, 8 * _LANES, _LANES):
            x[_STATE + word + lane] = _U(x[_STATE + word + lane] + _U(x[_A + word + lane] & on))
        at[lane] += 16 if block + 1 < left[lane] else 0


@kernel
def _hash(words: Any, first: Any, digests: Any, start: Any, rounds: Any) -> None:
    """Digests of padded messages; message i has the blocks `first[i]` to `first[i + 1]` of `words`."""
    count = len(first) - 1
    x = np.empty(_SIZE, dtype=np.uint32)
    at, left = np.empty(_LANES, dtype=np.int64), np.empty(_LANES, dtype=np.int64)
    for begin in range(0, count, _LANES):
        longest = 0
        for lane in range(_LANES):
            # Lanes without a message work on the last one again.
            row = min(begin + lane, count - 1)
            at[lane], left[lane] = first[row] * 16, first[row + 1] - first[row]
            longest = max(longest, left[lane])
            for word in range(8):
                x[_STATE + word * _LANES + lane] = start[word]
        for block in range(longest):
            for lane in range(_LANES):
                for word in range(16):
                    x[word * _LANES + lane] = _swapped(words[at[lane] + word])
            _compress(x, rounds)
            _add(x, block, left, at)
        for lane in range(min(_LANES, count - begin)):
            for word in range(8):
                digests[begin + lane, word] = _swapped(x[_STATE + word * _LANES + lane])
