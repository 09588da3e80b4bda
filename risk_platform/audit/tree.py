"""The Merkle tree of RFC 9162 (Certificate Transparency 2.0), SHA-256: leaves, roots and the growing right edge."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from risk_platform.errors import ContractError

HASH_BYTES = 32
_sha256 = hashlib.sha256
EMPTY_ROOT = _sha256(b"").digest()


class Node(NamedTuple):
    """The root of a complete subtree: of the 2^level leaves from place · 2^level on."""

    level: int
    place: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf (RFC 9162, 2.1.1): its prefix keeps it from passing as an inner node."""
    return _sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return _sha256(b"\x01" + left + right).digest()


def complete_levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Hashes of every complete subtree of a tree in memory, one list a level, leaves first."""
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        levels.append([_sha256(b"\x01" + left + right).digest() for left, right in pairs])
    return levels


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over those leaf hashes; the hash of nothing for none."""
    levels, size = complete_levels(leaf_hashes), len(leaf_hashes)
    return root_of_edge([levels[level][place] for level, place in edge_places(size)])


def edge_places(size: int) -> Iterator[tuple[int, int]]:
    """Level and place of the complete subtrees that a tree of `size` leaves is made of, largest first."""
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, (size >> level) - 1


def root_of_edge(hashes: Sequence[bytes]) -> bytes:
    """Root of the tree whose complete subtrees have those hashes, largest first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """The right edge of a growing tree: all that is needed to append in O(log n) and to know the root.

    >>> frontier = Frontier()
    >>> [(node.level, node.place) for node in frontier.extend([leaf_hash(b"a"), leaf_hash(b"b")])]
    [(0, 0), (0, 1), (1, 0)]
    >>> frontier.root() == node_hash(leaf_hash(b"a"), leaf_hash(b"b"))
    True
    """

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """The tree of `size` leaves whose complete subtrees have the hashes `edge`, largest first.

        Raises ContractError when there are more or fewer of them than such a tree has.
        """
        if len(edge) != size.bit_count():
            raise ContractError(
                f"A tree of {size} leaves has {size.bit_count()} subtrees on its edge, not {len(edge)}."
            )
        self.size = size
        self._edge = list(edge)

    @property
    def edge(self) -> Sequence[bytes]:
        """Hashes of its complete subtrees, largest first."""
        return tuple(self._edge)

    def extend(self, leaf_hashes: Iterable[bytes]) -> list[Node]:
        """Append leaves; returns every subtree that this completed, leaves among them, in the order made."""
        made: list[Node] = []
        edge, place = self._edge, self.size
        for digest in leaf_hashes:
            made.append(Node(0, place, digest))
            level, above = 0, place
            while above & 1:
                digest = _sha256(b"\x01" + edge.pop() + digest).digest()
                level, above = level + 1, above >> 1
                made.append(Node(level, above, digest))
            edge.append(digest)
            place += 1
        self.size = place
        return made

    def root(self) -> bytes:
        """Root of the tree as it stands."""
        return root_of_edge(self._edge)
