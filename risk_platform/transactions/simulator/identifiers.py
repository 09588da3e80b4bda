"""Opaque identifiers: code numbers scattered by a seeded bijection, so that neither order nor role shows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from risk_platform.transactions.simulator.ledger import Ints

_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", dtype=np.uint8)


@dataclass(frozen=True)
class IdentifierSpace:
    """Identifiers of one kind: `prefix`, then `characters` of 5 bits; distinct codes get distinct ones."""

    prefix: str
    characters: int
    key: int

    def encode(self, codes: Ints) -> pa.StringArray:
        """Identifiers of `codes`, null where a code is negative."""
        scattered = self._scatter(np.where(codes < 0, 0, codes).astype(np.uint64))
        text = np.empty((len(codes), 1 + self.characters), dtype=np.uint8)
        text[:, 0] = ord(self.prefix)
        for position in range(self.characters):
            np.take(_ALPHABET, (scattered & np.uint64(31)).astype(np.uint8), out=text[:, 1 + position])
            scattered >>= np.uint64(5)
        return _strings(text, codes < 0)

    def _scatter(self, codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        # Odd multipliers modulo 2^bits and right xor-shifts are each invertible, hence no collisions.
        bits = np.uint64(5 * self.characters)
        mask = np.uint64((1 << (5 * self.characters)) - 1)
        rng = np.random.default_rng([self.key, ord(self.prefix)])
        for _ in range(3):
            factor = np.uint64(int(rng.integers(1 << 62)) * 2 + 1)
            offset = np.uint64(int(rng.integers(1 << 62)))
            codes = (codes * factor + offset) & mask
            codes = codes ^ (codes >> (bits // np.uint64(2)))
        return codes


def _strings(text: NDArray[np.uint8], missing: NDArray[np.bool_]) -> pa.StringArray:
    rows, width = text.shape
    lengths = np.where(missing, 0, width)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    validity = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    return pa.StringArray.from_buffers(
        rows, pa.py_buffer(offsets), pa.py_buffer(text[~missing] if missing.any() else text), validity
    )
