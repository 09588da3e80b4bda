"""Inclusion and consistency proofs of RFC 9162: made from complete subtrees, verified from hashes alone."""

from collections.abc import Callable, Sequence

from risk_platform.audit.tree import HASH_BYTES, node_hash, root_of_edge
from risk_platform.errors import InputError

# The hash of a complete subtree, by level and place.
Subtree = Callable[[int, int], bytes]


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1, for the leaf `index` of the first `size` leaves; reads O(log n) subtrees.

    Raises InputError when the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise InputError(f"A tree of {size} leaves has no leaf {index}; count from 0.")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            path.append(_range_hash(low, middle, subtree))
            low = middle
    return path[::-1]


def consistency_path(earlier: int, size: int, subtree: Subtree) -> list[bytes]:
    """PROOF of RFC 9162, 2.1.4.1: the first `earlier` leaves are a prefix of the first `size`; O(log n) reads.

    Raises InputError unless 0 < earlier ≤ size.
    """
    if not 0 < earlier <= size:
        raise InputError(f"There is no consistency proof from {earlier} to {size} leaves.")
    path: list[bytes] = []
    low, high = 0, size
    while earlier != high:
        middle = low + _split(high - low)
        if earlier <= middle:
            path.append(_range_hash(middle, high, subtree))
            high = middle
        else:
            path.append(_range_hash(low, middle, subtree))
            low = middle
    # The verifier has the earlier root itself, where that is a whole subtree from the first leaf on.
    if low:
        path.append(_range_hash(low, high, subtree))
    return path[::-1]


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves (RFC 9162, 2.1.3.2) that the leaf hash stands at `index` of the tree of that root."""
    if not 0 <= index < size or not _are_hashes(root, leaf, *path):
        return False
    place, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            digest = node_hash(sibling, digest)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and digest == root


def extends(first_root: bytes, first: int, root: bytes, size: int, path: Sequence[bytes]) -> bool:
    """Whether `path` proves (RFC 9162, 2.1.4.2) that the tree of `size` leaves begins with the tree of `first`."""
    if not 0 < first <= size or not _are_hashes(first_root, root, *path):
        return False
    if first == size:
        return not path and first_root == root
    hashes = list(path) if first & (first - 1) else [first_root, *path]
    if not hashes:
        return False
    place, last = first - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(low: int, high: int, subtree: Subtree) -> bytes:
    """Hash over the leaves [low, high), where `low` is a multiple of a power of two not below their number."""
    edge = []
    while low < high:
        level = (high - low).bit_length() - 1
        edge.append(subtree(level, low >> level))
        low += 1 << level
    return root_of_edge(edge)


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(digest) == HASH_BYTES for digest in hashes)
