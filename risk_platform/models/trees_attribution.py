"""Path-dependent TreeSHAP over a forest, without its quadratic path bookkeeping.

The Shapley weight of a coalition is an integral, |S|! (d − 1 − |S|)! / d! = ∫ tˢ (1 − t)ᵈ⁻¹⁻ˢ dt over [0, 1]. So the
share of feature i in a leaf of value v, whose path holds features j with o_j ∈ {0, 1} (the row follows the
path) and z_j (the training rows that do), is v (o_i − z_i) ∫ Π_{j≠i} (o_j t + z_j (1 − t)) dt: a polynomial, and
Gauss-Legendre nodes integrate it exactly. Down the tree every node multiplies the factor of its edge, up the
tree leaves add up, and each edge pays its feature; an edge takes back what the last edge of the same feature
above it was paid for the leaves below. Values are those of Lundberg, Erion and Lee (2018).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.kernels import in_halves, kernel, settled
from risk_platform.kernels_vectors import WIDTH, add, add_product, aligned, set_multiple, set_product
from risk_platform.models.payments import Floats
from risk_platform.models.trees import Tree
from risk_platform.models.trees_rows import LANES, RankedForest, rank_rows

Places = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]
# From so many edges on, for all rows together, a second thread pays.
_EDGES_FOR_TWO = 8_000
_ROOT = 0
# Unsigned all through: a signed index would be checked for being negative at every access.
_ONE, _TWO, _SIX, _WIDTH = np.uint64(1), np.uint64(2), np.uint64(6), np.uint64(WIDTH)
# Columns of an edge.
PARENT, PREVIOUS, CONDITION, RANK, RIGHT, FEATURE = range(6)


@dataclass(frozen=True)
class Attributor:
    """A forest laid out for attributions: an edge to every node but the root, parents before children.

    `begins[i]:begins[i + 1]` are those of tree i, `groups[i]` is how many groups of WIDTH quadrature nodes it takes,
    and its part of `table` begins at `first[i]`. Within a tree edges count from 1, and 0 is the root, which every row
    reaches. A row of `edges` has its parent edge and the previous one of its feature above it (0: none), the
    condition and rank of the split it comes from and whether it is the right one, and its feature; `value` is that of
    its leaf (0: none). `table` holds, group by group, three pairs of rows of quadrature nodes an edge, what it
    multiplies and what its feature is paid: when the row follows the feature so far, when it leaves it here, when it
    left it above. `base` is the expected margin, `features` the width of a row.
    """

    forest: RankedForest
    begins: Places
    groups: Places
    first: Places
    edges: Codes
    value: Floats
    table: Floats
    base: float
    features: int

    def attributions(self, rows: Floats) -> Floats:
        """Shares of each of (rows × features) in log odds, and the base as the last column.

        Each half of the trees adds up for itself, be it on one thread or on two: the sums are the same.
        """
        halves = np.zeros((2, len(rows), self.features + 1))

        def add_up(part: slice) -> None:
            for half in range(part.start, part.stop):
                self._attribute(rows, halves[half], self._spans[half], *self._arguments)

        in_halves(add_up, 2, 2 if len(rows) * len(self.edges) >= _EDGES_FOR_TWO else 3)
        out: Floats = halves[0] + halves[1]
        out[:, -1] = self.base
        return out

    @cached_property
    def _attribute(self) -> Callable[..., None]:
        return settled(_attribute, np.empty((1, 1)), np.empty((1, 1)), self._spans[0], *self._arguments)

    @cached_property
    def _spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The trees of each half: as many edges in one as in the other."""
        middle = int(np.searchsorted(self.begins, len(self.edges) // 2))
        return (0, middle), (middle, len(self.groups))

    @cached_property
    def _arguments(self) -> tuple[object, ...]:
        tree = (self.begins, self.groups, self.first)
        return tuple(vars(self.forest.ranking).values()), tree, self.edges, (self.value, self.table)


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
    groups = [_groups(max((edge.depth for edge in tree), default=1)) for tree in trees]
    edges = [edge for tree in trees for edge in tree]
    starts = np.cumsum([0, *(tree.leaves - 1 for tree in forest.trees)])
    splits = np.array(
        [starts[at] + edge.split for at, tree in enumerate(trees) for edge in tree], dtype=np.intp
    )
    tables = [_table(tree, count) for tree, count in zip(trees, groups, strict=True)]
    table = aligned(sum(map(len, tables)))
    np.concatenate(tables, out=table)
    columns = [[edge.parent, edge.previous, 0, 0, edge.right, edge.feature] for edge in edges]
    codes = np.array(columns, dtype=np.uint32).reshape(len(edges), FEATURE + 1)
    codes[:, CONDITION], codes[:, RANK] = forest.condition[splits], forest.rank[splits]
    return Attributor(
        forest=forest,
        begins=np.cumsum([0, *map(len, trees)], dtype=np.uint64),
        groups=np.array(groups, dtype=np.uint64),
        first=np.cumsum([0, *map(len, tables)], dtype=np.uint64),
        edges=codes,
        value=np.array([edge.value for edge in edges]),
        table=table,
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


def _groups(depth: int) -> int:
    """Groups of quadrature nodes that are exact for paths of `depth` features."""
    return -(-((depth + 1) // 2) // WIDTH)


def _table(tree: list[_Edge], groups: int) -> Floats:
    """The six rows of every edge of a tree, edge after edge, in every group; see `Attributor`."""
    t, w = _quadrature(groups * WIDTH)
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
    laid = np.stack(rows, axis=1).reshape(len(tree), len(rows), groups, WIDTH)
    return laid.transpose(2, 0, 1, 3).ravel()


@kernel
def _attribute(rows: Any, out: Any, trees: Any, ranking: Any, tree: Any, edges: Any, number: Any) -> None:
    used, start, thresholds, source, zero_missing, absent = ranking
    begins, groups, first = tree
    longest = _ONE
    for at in range(trees[0], trees[1]):
        longest = max(longest, begins[at + 1] - begins[at] + _ONE)
    ranks = np.zeros((len(source), LANES), dtype=absent.dtype)
    follows = np.ones(longest, dtype=np.uint64)
    at_row = np.zeros(longest, dtype=np.uint64)
    product, total = aligned(longest * _WIDTH), aligned(longest * _WIDTH)
    product[:_WIDTH] = 1.0
    shares = aligned(LANES * out.shape[1] * _WIDTH).reshape(LANES, -1)
    for begin in range(0, len(rows), LANES):
        block = rows[begin : begin + LANES]
        rank_rows(block, used, start, thresholds, source, zero_missing, absent, ranks)
        shares[: len(block)] = 0.0
        for at in range(trees[0], trees[1]):
            size = begins[at + 1] - begins[at]
            for group in range(groups[at]):
                span = begins[at], size, first[at] + np.uint64(group) * size * _SIX * _WIDTH
                for lane in range(len(block)):
                    _descend(span, edges, number, ranks[:, lane], follows, at_row, product, total)
                    _ascend(span, edges, number, at_row, total, shares[lane])
        for lane in range(len(block)):
            for feature in range(out.shape[1]):
                out[begin + lane, feature] = shares[lane, feature * WIDTH : (feature + 1) * WIDTH].sum()


@kernel
def _descend(
    span: Any, edges: Any, number: Any, ranks: Any, follows: Any, at_row: Any, product: Any, total: Any
) -> None:
    """Factors multiplied down from the root: `product` of every edge, and leaves' values into `total`."""
    value, table = number
    begin, size, at_table = span
    own = _WIDTH
    for place in range(_ONE, size + _ONE):
        at = begin + place - _ONE
        edge = edges[at]
        before = follows[edge[PREVIOUS]]
        on = before & ((ranks[edge[CONDITION]] > np.int64(edge[RANK])) == edge[RIGHT])
        follows[place] = on
        # On, left here, left above: arithmetic, since no branch can be foreseen here.
        row = at_table + _TWO * _WIDTH * (_TWO - on - before)
        at_row[place] = row + _WIDTH
        set_product(product, own, table, row, product, edge[PARENT] * _WIDTH)
        set_multiple(total, own, product, own, value[at])
        own += _WIDTH
        at_table += _SIX * _WIDTH


@kernel
def _ascend(span: Any, edges: Any, number: Any, at_row: Any, total: Any, shares: Any) -> None:
    """Leaves added up towards the root, every edge paying its feature's share."""
    _, table = number
    begin, size, _ = span
    total[:_WIDTH] = 0.0
    for step in range(size):
        place = size - step
        edge, own = edges[begin + place - _ONE], place * _WIDTH
        add_product(shares, edge[FEATURE] * _WIDTH, table, at_row[place], total, own)
        add(total, edge[PARENT] * _WIDTH, total, own)
