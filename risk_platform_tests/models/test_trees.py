"""The kernels against LightGBM: margins to the last bit, attributions within 1e-6 of its own."""

from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.errors import BundleError
from risk_platform.models.trees import parse_trees
from risk_platform.models.trees_attribution import lay_out_attributor
from risk_platform.models.trees_rows import rank_forest
from risk_platform.models.trees_scoring import lay_out_scorer

Rows = npt.NDArray[np.float64]
FEATURES = 5
# Zero, what LightGBM takes for zero, values of every size, both infinities, nothing.
ODD = [0.0, -0.0, 1e-36, -1e-35, 1e-34, 1.0, -1.0, 5e-324, 1e300, -1e300, np.inf, -np.inf, np.nan]


def rows_of(rng: np.random.Generator, count: int) -> Rows:
    """Rows with normal, few-valued and heavy-tailed columns, holes in three of them."""
    rows = rng.normal(size=(count, FEATURES))
    rows[:, 1] = rng.integers(-2, 3, count)
    rows[:, 2] = np.exp(3 * rows[:, 2]).round(1)
    for column in (0, 1, 4):
        rows[rng.random(count) < 0.15, column] = np.nan
    return rows


def train(seed: int, rounds: int = 12, **parameters: Any) -> tuple[lgb.Booster, Rows]:
    rng = np.random.default_rng(seed)
    rows = rows_of(rng, 600)
    signal = np.nan_to_num(rows[:, 0]) * rows[:, 3] + np.isnan(rows[:, 1]) + rng.normal(size=600)
    chosen = {
        "objective": "binary",
        "num_leaves": 15,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 1e-9,
        "verbosity": -1,
        "num_threads": 1,
        "seed": seed,
        **parameters,
    }
    return lgb.train(chosen, lgb.Dataset(rows, (signal > 0.5).astype(float)), rounds), rows


def odd_rows(booster: lgb.Booster, rng: np.random.Generator, count: int) -> Rows:
    """Rows of ordinary values, odd ones, and the model's own thresholds with their neighbours."""
    _, trees = parse_trees(booster.model_to_string())
    edges = np.concatenate([ODD, *(tree.threshold for tree in trees)])
    edges = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    rows = rows_of(rng, count)
    odd = rng.random(rows.shape) < 0.6
    rows[odd] = rng.choice(edges, int(odd.sum()))
    return rows


def assert_same(booster: lgb.Booster, rows: Rows) -> None:
    _, trees = parse_trees(booster.model_to_string())
    forest = rank_forest(trees)
    scorer, attributor = lay_out_scorer(forest), lay_out_attributor(forest, FEATURES)
    margins = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    np.testing.assert_array_equal(scorer.margins(rows), margins)
    for size in (1, 3, 9, 65):
        np.testing.assert_array_equal(scorer.margins(rows[:size]), margins[:size])
    some = rows[:40]
    parts = attributor.attributions(some)
    np.testing.assert_allclose(
        parts, np.asarray(booster.predict(some, pred_contrib=True, num_threads=1)), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(parts.sum(axis=1), margins[:40], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(attributor.attributions(some[7:8])[0], parts[7])


@given(
    seed=st.integers(0, 2**31),
    leaves=st.sampled_from([2, 3, 15, 16, 17, 32, 33, 64, 65, 100]),
    missing=st.sampled_from([{}, {"zero_as_missing": True}, {"use_missing": False}]),
    depth=st.sampled_from([-1, 2, 6]),
    bagging=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_random_models_score_and_explain_like_lightgbm(
    seed: int, leaves: int, missing: dict[str, bool], depth: int, bagging: bool
) -> None:
    extra = {"bagging_freq": 1, "bagging_fraction": 0.5} if bagging else {}
    booster, _ = train(seed, 6, num_leaves=leaves, max_depth=depth, **missing, **extra)
    assert_same(booster, odd_rows(booster, np.random.default_rng(seed), 150))


def test_a_forest_of_hundreds_of_trees_adds_up_in_lightgbms_order() -> None:
    booster, rows = train(3, 250, num_leaves=31)
    assert_same(booster, rows)


def test_two_threads_compute_what_one_does() -> None:
    booster, _ = train(4)
    rows = odd_rows(booster, np.random.default_rng(4), 2000)
    scorer = lay_out_scorer(rank_forest(parse_trees(booster.model_to_string())[1]))
    np.testing.assert_array_equal(scorer.margins(rows), booster.predict(rows, raw_score=True, num_threads=1))


def test_trees_without_a_split_add_their_one_leaf() -> None:
    booster, rows = train(5, 3, min_data_in_leaf=10_000)
    assert {tree.leaves for tree in parse_trees(booster.model_to_string())[1]} == {1}
    assert_same(booster, rows)


def test_models_of_two_trainings_may_treat_missing_values_differently() -> None:
    """A model trained further keeps, in one feature, splits with and without a default direction."""
    first, rows = train(6, 4, use_missing=False)
    data = lgb.Dataset(rows, (rows[:, 3] > 0).astype(float))
    parameters = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1}
    further = lgb.train(parameters, data, 4, init_model=first)
    assert_same(
        lgb.Booster(model_str=further.model_to_string()), odd_rows(first, np.random.default_rng(6), 200)
    )


def test_no_rows_give_no_margins() -> None:
    booster, _ = train(7)
    forest = rank_forest(parse_trees(booster.model_to_string())[1])
    assert lay_out_scorer(forest).margins(np.empty((0, FEATURES))).shape == (0,)
    assert lay_out_attributor(forest, FEATURES).attributions(np.empty((0, FEATURES))).shape == (
        0,
        FEATURES + 1,
    )


def test_categorical_splits_are_refused() -> None:
    rng = np.random.default_rng(8)
    rows = np.column_stack([rng.integers(0, 9, 600), rng.normal(size=600)]).astype(float)
    data = lgb.Dataset(rows, (rows[:, 0] % 2).astype(float), categorical_feature=[0])
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 2)
    with pytest.raises(BundleError, match="Tree 0 of the model has categorical splits or linear leaves"):
        parse_trees(booster.model_to_string())


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"linear_tree": True}, "linear leaves"),
        ({"objective": "regression"}, "no binary classifier"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "averages its trees"),
    ],
)
def test_what_the_kernels_do_not_compute_is_refused(parameters: dict[str, Any], sentence: str) -> None:
    booster, _ = train(9, 2, **parameters)
    with pytest.raises(BundleError, match=sentence):
        parse_trees(booster.model_to_string())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=", "left_child=0 "),
        ("split_feature=", "split_feature=9"),
        ("leaf_value=", "leaf_value=nan "),
        ("num_leaves=15", "num_leaves=14"),
        ("tree\n", "forest\n"),
    ],
)
def test_a_torn_model_is_refused(old: str, new: str) -> None:
    text = train(10, 2)[0].model_to_string()
    assert old in text
    with pytest.raises(BundleError, match=r"Tree 0 of the model|no LightGBM model"):
        parse_trees(text.replace(old, new))
