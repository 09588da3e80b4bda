"""Rows as ranks: every value replaced by its place among the thresholds that a forest compares it with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.kernels import kernel
from risk_platform.models.payments import Floats, Ints
from risk_platform.models.trees import Tree

LANES = 64
"""Rows that the kernels work on at once."""
# LightGBM reads what is no further from zero than this float as zero.
_ZERO = float(np.float32(1e-35))
_MISSING_ZERO, _MISSING_NAN = 1, 2
_SHORTS, _WORDS = 16, 32

Ranks = npt.NDArray[np.signedinteger]
Condition = tuple[int, int, bool]
"""Feature, kind of missing values, whether they go left."""


@dataclass(frozen=True)
class Ranking:
    """How rows become ranks: a row goes right at a split when its rank exceeds the split's.

    `feature` and `thresholds[start[i]:start[i + 1]]` (ascending) belong to the i-th feature used. A
    condition is a feature with one way to treat missing values: `source` is its place among the features
    used, `zero_missing` whether zeros are missing, `absent` the rank of a missing value.
    """

    feature: Ints
    start: Ints
    thresholds: Floats
    source: Ints
    zero_missing: npt.NDArray[np.bool_]
    absent: Ranks


@dataclass(frozen=True)
class RankedForest:
    """Trees whose splits, all in one row of arrays in the order of the trees, compare ranks of conditions."""

    trees: tuple[Tree, ...]
    ranking: Ranking
    condition: npt.NDArray[np.int32]
    rank: Ranks


def rank_forest(trees: tuple[Tree, ...]) -> RankedForest:
    """The forest over ranks, in the narrowest integers that hold its ranks and one bit for each leaf."""
    splits = [split for tree in trees for split in _splits(tree)]
    conditions: dict[Condition, int] = {}
    for condition, _ in splits:
        conditions.setdefault(condition, len(conditions))
    used = {feature: at for at, feature in enumerate(sorted({feature for feature, _, _ in conditions}))}
    steps = [
        np.unique([threshold for condition, threshold in splits if condition[0] == feature])
        for feature in used
    ]
    kind = _narrowest(max(tree.leaves for tree in trees), max(map(len, steps), default=0))
    ranking = Ranking(
        feature=np.array(list(used), dtype=np.int64),
        start=np.cumsum([0, *map(len, steps)], dtype=np.int64),
        thresholds=np.concatenate([np.empty(0), *steps]),
        source=np.array([used[feature] for feature, _, _ in conditions], dtype=np.int64),
        zero_missing=np.array([missing == _MISSING_ZERO for _, missing, _ in conditions], dtype=np.bool_),
        absent=np.array([_absent(c, steps[used[c[0]]], kind) for c in conditions], dtype=kind),
    )
    rank = [np.searchsorted(steps[used[condition[0]]], threshold) for condition, threshold in splits]
    places = np.array([conditions[condition] for condition, _ in splits], dtype=np.int32)
    return RankedForest(trees, ranking, places, np.array(rank, dtype=kind))


def _splits(tree: Tree) -> list[tuple[Condition, float]]:
    missing = tree.missing.tolist()
    # Where nothing is missing the default says nothing.
    left = (tree.default_left & (tree.missing > 0)).tolist()
    conditions = zip(tree.feature.tolist(), missing, left, strict=True)
    return list(zip(conditions, tree.threshold.tolist(), strict=True))


def _narrowest(leaves: int, thresholds: int) -> type[np.signedinteger]:
    if leaves <= _SHORTS and thresholds < np.iinfo(np.int16).max:
        return np.int16
    return np.int32 if leaves <= _WORDS else np.int64


def _absent(condition: Condition, steps: Floats, kind: type[np.signedinteger]) -> int:
    _, missing, left = condition
    if missing == 0:
        return int(np.searchsorted(steps, 0.0))
    return 0 if left else int(np.iinfo(kind).max)


@kernel
def rank_rows(
    rows: Any,
    feature: Any,
    start: Any,
    thresholds: Any,
    source: Any,
    zero_missing: Any,
    absent: Any,
    ranks: Any,
) -> None:
    """Fill `ranks` (conditions × LANES) for up to LANES `rows` (rows × features, NaN where absent).

    A rank is the number of thresholds below the value. Lanes without a row are left as they are.
    """
    count = len(rows)
    values = np.empty((len(feature), LANES))
    places = np.empty((len(feature), LANES), dtype=np.int64)
    for at in range(len(feature)):
        column, first = feature[at], start[at]
        for lane in range(count):
            value = rows[lane, column]
            values[at, lane] = 0.0 if abs(value) <= _ZERO else value
            places[at, lane] = first
        length = start[at + 1] - first
        while length > 1:
            half = length >> 1
            for lane in range(count):
                place = places[at, lane]
                places[at, lane] = place + half if thresholds[place + half - 1] < values[at, lane] else place
            length -= half
        for lane in range(count):
            place = places[at, lane]
            places[at, lane] = place - first + (1 if thresholds[place] < values[at, lane] else 0)
    for condition in range(len(source)):
        at, zeros, rank = source[condition], zero_missing[condition], absent[condition]
        for lane in range(count):
            value = values[at, lane]
            gone = np.isnan(value) or (zeros and value == 0.0)
            ranks[condition, lane] = rank if gone else places[at, lane]
