"""How many different codes the entries of a window have, counted one by one."""

import numpy as np

from risk_platform.features.online.host import HIGH, Space
from risk_platform.features.online.kernel import Ints, Scalar, inline
from risk_platform.features.online.pool import Log
from risk_platform.features.online.rows import Rows, Turns, code_of
from risk_platform.features.online.search import seen_at, stream_of

# Columns of an operation that a distinct count reads.
_EDGE, _COLUMN, _MASK, _WANT, _FIRST_MASK, _FIRST_WANT = 1, 4, 5, 6, 8, 9


@inline
def distinct(stream: Scalar, op: Ints, log: Log, space: Space, rows: Rows, turns: Turns) -> Scalar:
    """How many different codes the entries of the window have."""
    space.marks[-1] += np.uint64(1 << 32)
    if space.marks[-1] == 0:
        space.marks[:] = 0
        space.marks[-1] = np.uint64(1 << 32)
    epoch = space.marks[-1]
    # No more slots than these entries need, so that they lie close to each other.
    mask, length = np.int64(15), np.int64(0)
    for source in range(2 if stream else 1):
        length += space.at[source, HIGH] - space.places[source, op[_EDGE]]
    while mask < 2 * length:
        mask = 2 * mask + 1
    different = np.int64(0)
    for source in range(2 if stream else 1):
        kind = stream_of(source, stream)
        filter_mask = op[_MASK] if source else op[_FIRST_MASK]
        want = op[_WANT] if source else op[_FIRST_WANT]
        for at in range(space.places[source, op[_EDGE]], space.at[source, HIGH]):
            _, row, bits = seen_at(source, at, kind, log, space, rows, turns)
            code = code_of(rows, row, op[_COLUMN])
            if code < 0 or bits & filter_mask != want:
                continue
            mark = epoch | np.uint64(code)
            slot = np.int64((np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) & mask
            while space.marks[slot] >= epoch and space.marks[slot] != mark:
                slot = (slot + 1) & mask
            different += space.marks[slot] != mark
            space.marks[slot] = mark
    return np.float64(different)
