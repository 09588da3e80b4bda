"""Scoring kernels: margins of a forest, equal to LightGBM's to the last bit.

Batches go through bit vectors, one bit for each leaf, as QuickScorer does (Lucchese and others, SIGIR 2015):
every split that sends a row right strikes the leaves to its left, and the first one left standing is the
row's. Here 64 rows go side by side through one tree after the other, on ranks, in vector registers. Few rows,
and trees of more than 64 leaves, are walked from the root. Both add leaves in the order of the trees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numba.cpython.unsafe.numbers import trailing_zeros

from risk_platform.kernels import in_halves, kernel, settled
from risk_platform.models.payments import Floats, Ints
from risk_platform.models.trees import Tree
from risk_platform.models.trees_rows import LANES, RankedForest, Ranks, rank_rows

_MOST_BITS = 64
# Measured at 300 trees of 15 and of 63 leaves: below these many rows walking is faster.
_FEWEST_SIDE_BY_SIDE = {np.dtype(np.int16): 8, np.dtype(np.int32): 10, np.dtype(np.int64): 24}
# A second thread pays from here on.
_ROWS_FOR_TWO = 4 * LANES


@dataclass(frozen=True)
class Scorer:
    """A forest laid out for scoring.

    Splits and leaves of all trees lie in one row each, leaves of a tree from left to right;
    `splits[i]:splits[i + 1]` and from `leaves[i]` on are those of tree i. A child of at least 0 is a split,
    a negative one is leaf −1 − child; `root` alike.
    """

    forest: RankedForest
    splits: Ints
    leaves: Ints
    struck: Ranks
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    root: npt.NDArray[np.int32]
    value: Floats

    def margins(self, rows: Floats) -> Floats:
        """Sum of the leaves of each row of (rows × features), NaN where a value is absent."""
        out = np.empty(len(rows))
        if self._walked or len(rows) < _FEWEST_SIDE_BY_SIDE[self.forest.rank.dtype]:
            in_halves(
                lambda part: self._walk(rows[part], out[part], *self._walk_arguments),
                len(rows),
                _ROWS_FOR_TWO,
            )
        else:
            in_halves(
                lambda part: self._strike(rows[part], out[part], *self._bit_arguments),
                len(rows),
                _ROWS_FOR_TWO,
            )
        return out

    @cached_property
    def _walk(self) -> Callable[..., None]:
        return settled(_walk, np.empty((1, 1)), np.empty(1), *self._walk_arguments)

    @cached_property
    def _strike(self) -> Callable[..., None]:
        return settled(_strike, np.empty((1, 1)), np.empty(1), *self._bit_arguments)

    @cached_property
    def _walked(self) -> bool:
        return max(tree.leaves for tree in self.forest.trees) > _MOST_BITS

    @cached_property
    def _ranking(self) -> tuple[npt.NDArray[np.generic], ...]:
        return tuple(vars(self.forest.ranking).values())

    @cached_property
    def _walk_arguments(self) -> tuple[object, ...]:
        forest = self.forest
        return self._ranking, forest.condition, forest.rank, self.left, self.right, self.root, self.value

    @cached_property
    def _bit_arguments(self) -> tuple[object, ...]:
        forest = self.forest
        return self._ranking, self.splits, self.leaves, forest.condition, forest.rank, self.struck, self.value


def lay_out_scorer(forest: RankedForest) -> Scorer:
    """The forest in the order that the kernels read it."""
    splits = np.cumsum([0, *(tree.leaves - 1 for tree in forest.trees)], dtype=np.int64)
    leaves = np.cumsum([0, *(tree.leaves for tree in forest.trees)], dtype=np.int64)
    laid = [_lay_out(tree) for tree in forest.trees]
    shifted = [
        [np.where(child >= 0, child + splits[at], child - leaves[at]) for child in (one.left, one.right)]
        for at, one in enumerate(laid)
    ]
    roots = [splits[at] if tree.leaves > 1 else -1 - leaves[at] for at, tree in enumerate(forest.trees)]
    return Scorer(
        forest=forest,
        splits=splits,
        leaves=leaves,
        struck=_bits([one.struck for one in laid], forest.rank.dtype),
        left=np.concatenate([left for left, _ in shifted]).astype(np.int32),
        right=np.concatenate([right for _, right in shifted]).astype(np.int32),
        root=np.array(roots, dtype=np.int32),
        value=np.concatenate([one.value for one in laid]),
    )


@dataclass(frozen=True)
class _LaidOut:
    """A tree whose leaves are numbered from left to right; `struck` holds per split its left leaves' span."""

    left: Ints
    right: Ints
    value: Floats
    struck: list[tuple[int, int]]


def _lay_out(tree: Tree) -> _LaidOut:
    # A child's number is above its parent's, so backwards every subtree is known before it is needed.
    widths = np.ones(2 * tree.leaves - 1, dtype=np.int64)
    for split in range(tree.leaves - 2, -1, -1):
        widths[split] = widths[tree.left[split]] + widths[tree.right[split]]
    first = np.zeros(2 * tree.leaves - 1, dtype=np.int64)
    for split in range(tree.leaves - 1):
        first[tree.left[split]] = first[split]
        first[tree.right[split]] = first[split] + widths[tree.left[split]]
    value = np.empty(tree.leaves)
    value[first[-1 - np.arange(tree.leaves)]] = tree.leaf_value
    left, right = (np.where(c >= 0, c, -1 - first[c]) for c in (tree.left, tree.right))
    spans = [(int(first[c]), int(first[c] + widths[c])) for c in tree.left]
    return _LaidOut(left, right, value, spans)


def _bits(spans: list[list[tuple[int, int]]], kind: np.dtype[np.signedinteger]) -> Ranks:
    """One word for each span with its bits cleared and all others set."""
    every = (1 << 8 * kind.itemsize) - 1
    words = [every & ~((1 << end) - (1 << begin)) for tree in spans for begin, end in tree]
    return np.array(words, dtype=object).astype(f"u{kind.itemsize}").view(kind)


@kernel
def _strike(
    rows: Any,
    out: Any,
    ranking: Any,
    splits: Any,
    leaves: Any,
    condition: Any,
    rank: Any,
    struck: Any,
    value: Any,
) -> None:
    feature, start, thresholds, source, zero_missing, absent = ranking
    ranks = np.zeros((len(source), LANES), dtype=rank.dtype)
    standing = np.empty(LANES, dtype=struck.dtype)
    total = np.empty(LANES)
    everyone = struck.dtype.type(-1)
    for begin in range(0, len(rows), LANES):
        count = min(LANES, len(rows) - begin)
        block = rows[begin : begin + count]
        rank_rows(block, feature, start, thresholds, source, zero_missing, absent, ranks)
        total[:] = 0.0
        for tree in range(len(leaves) - 1):
            standing[:] = everyone
            for split in range(splits[tree], splits[tree + 1]):
                bar, survivors, values = rank[split], struck[split], ranks[condition[split]]
                for lane in range(LANES):
                    standing[lane] &= survivors if values[lane] > bar else everyone
            first = leaves[tree]
            for lane in range(LANES):
                total[lane] += value[first + trailing_zeros(np.int64(standing[lane]))]  # type: ignore[call-arg]
        out[begin : begin + count] = total[:count]


@kernel
def _walk(
    rows: Any, out: Any, ranking: Any, condition: Any, rank: Any, left: Any, right: Any, root: Any, value: Any
) -> None:
    feature, start, thresholds, source, zero_missing, absent = ranking
    ranks = np.zeros((len(source), LANES), dtype=rank.dtype)
    for begin in range(0, len(rows), LANES):
        count = min(LANES, len(rows) - begin)
        block = rows[begin : begin + count]
        rank_rows(block, feature, start, thresholds, source, zero_missing, absent, ranks)
        for lane in range(count):
            out[begin + lane] = 0.0
        for tree in range(len(root)):
            for lane in range(count):
                node = root[tree]
                while node >= 0:
                    above = ranks[condition[node], lane] > rank[node]
                    node = right[node] if above else left[node]
                out[begin + lane] += value[-1 - node]
