"""Path-dependent TreeSHAP over a forest, without its quadratic path bookkeeping.

The Shapley weight of a coalition is an integral, |S|! (d − 1 − |S|)! / d! = ∫ tˢ (1 − t)ᵈ⁻¹⁻ˢ dt over [0, 1]. So the
share of feature i in a leaf of value v, whose path holds features j with o_j ∈ {0, 1} (the row follows the
path) and z_j (the training rows that do), is v (o_i − z_i) ∫ Π_{j≠i} (o_j t + z_j (1 − t)) dt: a polynomial, and
Gauss-Legendre nodes integrate it exactly. Down the tree every node multiplies the factor of its edge, up the
tree leaves add up, and each edge pays its feature; an edge takes back what the last edge of the same feature
above it was paid for the leaves below. Values are those of Lundberg, Erion and Lee (2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.kernels import in_halves, kernel
from risk_platform.models.payments import Floats
from risk_platform.models.trees import Tree
from risk_platform.models.trees_rows import LANES, RankedForest, Ranks, rank_rows

Places = npt.NDArray[np.uint64]
_ROWS_FOR_TWO = 4
_ROOT = 0
# Unsigned all through: a signed index would be checked for being negative at every access.
_NONE, _ONE, _TWO, _SIX = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(6)


@dataclass(frozen=True)
class Attributor:
    """A forest laid out for attributions: an edge to every node but the root, parents before children.

    `edges[i]:edges[i + 1]` are those of tree i, `nodes[i]` is its number of quadrature nodes, and its part of
    `table` begins at `first[i]`. Within a tree edges count from 1, and 0 is the root, which every row reaches.
    An edge has its `parent` edge and the `previous` one of its feature above it (0: none), the condition and
    rank of the split it comes from and whether it is the `right` one, its `feature`, and the `value` of its leaf
    (0: none). `table` holds three pairs of rows of quadrature nodes an edge, what it multiplies and what its
    feature is paid: when the row follows the feature so far, when it leaves it here, when it left it above.
    `base` is the expected margin, `features` the width of a row.
    """

    forest: RankedForest
    edges: Places
    nodes: Places
    first: Places
    parent: Places
    previous: Places
    condition: Places
    rank: Ranks
    right: npt.NDArray[np.bool_]
    feature: Places
    value: Floats
    table: Floats
    base: float
    features: int

    def attributions(self, rows: Floats) -> Floats:
        """Shares of each of (rows × features) in log odds, and the base as the last column."""
        out = np.zeros((len(rows), self.features + 1))
        in_halves(lambda part: _attribute(rows[part], out[part], *self._arguments), len(rows), _ROWS_FOR_TWO)
        out[:, -1] = self.base
        return out

    @cached_property
    def _arguments(self) -> tuple[object, ...]:
        tree = (self.edges, self.nodes, self.first)
        edge = (self.parent, self.previous, self.condition, self.rank, self.right, self.feature)
        return tuple(vars(self.forest.ranking).values()), tree, edge, (self.value, self.table)


@dataclass(frozen=True)
class _Edge:
    parent: int
    previous: int
    split: int
    right: bool
    feature: int
    cover: float
    joint: float
    value: float
    depth: int


def lay_out_attributor(forest: RankedForest, features: int) -> Attributor:
    """The forest in the order that the kernel reads it, for rows of `features` values."""
    trees = [list(_edges(tree)) for tree in forest.trees]
    nodes = [(max((edge.depth for edge in tree), default=1) + 1) // 2 for tree in trees]
    edges = [edge for tree in trees for edge in tree]
    starts = np.cumsum([0, *(tree.leaves - 1 for tree in forest.trees)])
    splits = [starts[at] + edge.split for at, tree in enumerate(trees) for edge in tree]
    tables = [_table(tree, count) for tree, count in zip(trees, nodes, strict=True)]

    def places(values: object) -> Places:
        return np.array(values, dtype=np.uint64)

    return Attributor(
        forest=forest,
        edges=places(np.cumsum([0, *map(len, trees)])),
        nodes=places(nodes),
        first=places(np.cumsum([0, *map(len, tables)])),
        parent=places([edge.parent for edge in edges]),
        previous=places([edge.previous for edge in edges]),
        condition=places(forest.condition[splits] if splits else []),
        rank=forest.rank[splits] if splits else forest.rank,
        right=np.array([edge.right for edge in edges], dtype=np.bool_),
        feature=places([edge.feature for edge in edges]),
        value=np.array([edge.value for edge in edges]),
        table=np.concatenate(tables),
        base=float(sum(_expected(tree) for tree in forest.trees)),
        features=features,
    )


def _expected(tree: Tree) -> float:
    return float(tree.leaf_count / tree.leaf_count.sum() @ tree.leaf_value)


def _edges(tree: Tree) -> Iterator[_Edge]:
    """The edges of one tree, parents before children; parents and previous edges by their place from 1 on."""
    joints = [1.0]
    waiting: list[tuple[int, int, dict[int, int]]] = [(0, _ROOT, {})] if tree.leaves > 1 else []
    while waiting:
        split, parent, above = waiting.pop()
        feature = int(tree.feature[split])
        for right, child in enumerate((int(tree.left[split]), int(tree.right[split]))):
            rows = tree.split_count[child] if child >= 0 else tree.leaf_count[-1 - child]
            cover = float(rows / tree.split_count[split])
            previous = above.get(feature, _ROOT)
            path = {**above, feature: len(joints)}
            if child >= 0:
                waiting.append((child, len(joints), path))
            value = 0.0 if child >= 0 else float(tree.leaf_value[-1 - child])
            joints.append(cover * joints[previous])
            yield _Edge(parent, previous, split, bool(right), feature, cover, joints[-1], value, len(path))


@cache
def _quadrature(nodes: int) -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (points + 1) / 2, weights / 2


def _table(tree: list[_Edge], nodes: int) -> Floats:
    """The six rows of every edge of a tree, edge after edge; see `Attributor`."""
    t, w = _quadrature(nodes)
    joints = np.array([1.0, *(edge.joint for edge in tree)])
    previous = np.array([edge.previous for edge in tree], dtype=np.int64)
    joint, above = joints[1:, None], joints[previous][:, None]
    # Without a previous edge its share is 1, its factor too, and nothing was paid for it.
    factor = t + above * (1 - t)
    taken = w * (1 - above) / factor
    follows, leaves = t + joint * (1 - t), joint * (1 - t)
    paid, unpaid = w * (1 - joint) / follows - taken, -w / (1 - t) - taken
    gone = np.broadcast_to(np.array([[edge.cover] for edge in tree]).reshape(-1, 1), paid.shape)
    rows = [follows / factor, paid, leaves / factor, unpaid, gone, np.zeros_like(paid)]
    return np.stack(rows, axis=1).ravel()


@kernel
def _attribute(rows: Any, out: Any, ranking: Any, tree: Any, edge: Any, number: Any) -> None:
    used, start, thresholds, source, zero_missing, absent = ranking
    edges, nodes, first = tree
    longest = _ONE
    for at in range(len(nodes)):
        longest = max(longest, edges[at + 1] - edges[at] + _ONE)
    ranks = np.zeros((len(source), LANES), dtype=absent.dtype)
    follows = np.ones(longest, dtype=np.uint64)
    at_row = np.zeros(longest, dtype=np.uint64)
    product = np.empty(longest * nodes.max())
    total = np.empty(longest * nodes.max())
    for begin in range(0, len(rows), LANES):
        block = rows[begin : begin + LANES]
        rank_rows(block, used, start, thresholds, source, zero_missing, absent, ranks)
        for at in range(len(nodes)):
            span = edges[at], edges[at + 1], nodes[at], first[at]
            for lane in range(len(block)):
                _descend(span, edge, number, ranks, lane, follows, at_row, product, total)
                _ascend(span, edge, number, at_row, total, out[begin + lane])


@kernel
def _descend(
    span: Any,
    edge: Any,
    number: Any,
    ranks: Any,
    lane: Any,
    follows: Any,
    at_row: Any,
    product: Any,
    total: Any,
) -> None:
    """Factors multiplied down from the root: `product` of every edge, and leaves' values into `total`."""
    parent, previous, condition, rank, right, _ = edge
    value, table = number
    begin, end, width, at_table = span
    for q in range(width):
        product[q] = 1.0
    own, place = width, _ONE
    for at in range(begin, end):
        upper = parent[at] * width
        before = follows[previous[at]]
        on = before & ((ranks[condition[at], lane] > rank[at]) == right[at])
        follows[place] = on
        # On, left here, left above: arithmetic, since no branch can be foreseen here.
        row = at_table + _TWO * width * (_TWO - on - before)
        at_row[place] = row + width
        worth = value[at]
        for q in range(width):
            factor = table[row + q] * product[upper + q]
            product[own + q] = factor
            total[own + q] = worth * factor
        own += width
        place += _ONE
        at_table += _SIX * width


@kernel
def _ascend(span: Any, edge: Any, number: Any, at_row: Any, total: Any, shares: Any) -> None:
    """Leaves added up towards the root, every edge paying its feature's share."""
    parent, _, _, _, _, feature = edge
    _, table = number
    begin, end, width, _ = span
    place = end - begin
    own, at = place * width, end
    while place > _NONE:
        at -= _ONE
        upper, row = parent[at] * width, at_row[place]
        paid = 0.0
        for q in range(width):
            paid += table[row + q] * total[own + q]
            total[upper + q] += total[own + q]
        shares[feature[at]] += paid
        own -= width
        place -= _ONE
