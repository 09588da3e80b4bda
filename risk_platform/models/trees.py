"""LightGBM's text model as arrays: every tree's splits, children, leaves and covers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from risk_platform.errors import BundleError
from risk_platform.models.payments import Floats, Ints

_CATEGORICAL = 1
_DEFAULT_LEFT = 2
_OBJECTIVE = "binary sigmoid:1"


@dataclass(frozen=True)
class Tree:
    """One tree of n leaves and n − 1 splits.

    A child of at least 0 is a split, a negative one is leaf −1 − child. `missing` says what is absent at a
    split: 0 nothing (NaN counts as zero), 1 zeros and NaN, 2 NaN; what is absent goes left where
    `default_left`, anything else left when it is at most `threshold`. `split_count` and `leaf_count` are the
    training rows that came by.
    """

    feature: Ints
    threshold: Floats
    missing: Ints
    default_left: npt.NDArray[np.bool_]
    left: Ints
    right: Ints
    split_count: Floats
    leaf_value: Floats
    leaf_count: Floats

    @property
    def leaves(self) -> int:
        return len(self.leaf_value)


def parse_trees(text: str) -> tuple[tuple[str, ...], tuple[Tree, ...]]:
    """Feature names and trees of a LightGBM text model that gives one log odds a row.

    Raises BundleError on anything that the kernels do not compute: categorical splits, linear leaves,
    averaged or several outputs, or text that is no such model.
    """
    head, *blocks = text.split("end of trees", 1)[0].split("\nTree=")
    stated = _entries(head)
    names = tuple(stated.get("feature_names", "").split())
    if not blocks or not head.startswith("tree\n"):
        raise BundleError("The model text is no LightGBM model with trees; export the bundle anew.")
    if stated.get("num_tree_per_iteration") != "1" or stated.get("objective") != _OBJECTIVE:
        raise BundleError("The model is no binary classifier with one margin a row; train one.")
    if "\naverage_output" in head:
        raise BundleError("The model averages its trees; only sums of trees (boosting) are computed.")
    return names, tuple(_tree(number, block, len(names)) for number, block in enumerate(blocks))


def _entries(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _tree(number: int, block: str, features: int) -> Tree:
    entries = _entries(block)
    if entries.get("num_cat") != "0" or entries.get("is_linear", "0") != "0":
        raise BundleError(
            f"Tree {number} of the model has categorical splits or linear leaves; train with numbers and "
            "constant leaves only."
        )
    try:
        tree = _read_tree(entries)
    except (KeyError, ValueError) as error:
        raise BundleError(f"Tree {number} of the model cannot be read: {error}.") from error
    if not _sound(tree, features):
        raise BundleError(f"Tree {number} of the model is torn or not a tree; export the bundle anew.")
    return tree


def _read_tree(entries: dict[str, str]) -> Tree:
    leaves = int(entries["num_leaves"])

    def numbers(key: str, kind: Any, count: int) -> npt.NDArray[Any]:
        values = np.array(entries[key].split() if count else [], dtype=kind)
        if len(values) != count:
            raise ValueError(f"{key} has {len(values)} entries instead of {count}")
        return values

    decision = numbers("decision_type", np.int64, leaves - 1)
    if (decision & _CATEGORICAL).any():
        raise ValueError("a split is categorical")
    return Tree(
        feature=numbers("split_feature", np.int64, leaves - 1),
        threshold=numbers("threshold", np.float64, leaves - 1),
        missing=(decision >> 2) & 3,
        default_left=(decision & _DEFAULT_LEFT) > 0,
        left=numbers("left_child", np.int64, leaves - 1),
        right=numbers("right_child", np.int64, leaves - 1),
        split_count=numbers("internal_count", np.float64, leaves - 1),
        leaf_value=numbers("leaf_value", np.float64, leaves),
        # A tree without a split counts nothing.
        leaf_count=numbers("leaf_count", np.float64, leaves) if leaves > 1 else np.ones(1),
    )


def _sound(tree: Tree, features: int) -> bool:
    """Whether every split and leaf is reached exactly once and every number is one."""
    splits, leaves = len(tree.feature), tree.leaves
    children = np.sort(np.concatenate([tree.left, tree.right]))
    everyone = np.concatenate([np.arange(-leaves, 0), np.arange(1, splits)])
    if splits == 0:
        return leaves == 1 and bool(np.isfinite(tree.leaf_value).all())
    return bool(
        np.array_equal(children, everyone)
        and (tree.left[tree.left > 0] > np.flatnonzero(tree.left > 0)).all()
        and (tree.right[tree.right > 0] > np.flatnonzero(tree.right > 0)).all()
        and ((tree.feature >= 0) & (tree.feature < features)).all()
        and not np.isnan(tree.threshold).any()
        and (tree.missing < 3).all()
        and np.isfinite(tree.leaf_value).all()
        and (tree.split_count > 0).all()
    )
