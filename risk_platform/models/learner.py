"""The learner: LightGBM, one thread a model, so that models train side by side and repeatably."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TypeVar

import lightgbm as lgb
import numpy as np

from risk_platform.models.payments import Bools, Floats, Ints, Matrix

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of one LightGBM model."""

    learning_rate: float = 0.05
    rounds: int = 100
    num_leaves: int = 15
    max_bin: int = 2047
    min_sum_hessian_in_leaf: float = 1.0
    lambda_l2: float = 5.0
    feature_fraction: float = 0.8
    # Half of the payments for each tree: the order below the top, where single frauds are noise, gets steadier.
    bagging_fraction: float = 0.5

    def parameters(self) -> dict[str, object]:
        """LightGBM's parameters, the fixed ones included."""
        chosen = asdict(self)
        del chosen["rounds"]
        return {
            **chosen,
            "objective": "binary",
            "bagging_freq": 1,
            "min_data_in_leaf": 1,
            "min_data_in_bin": 1,
            "feature_pre_filter": False,
            "deterministic": True,
            "force_col_wise": True,
            # More threads than idle cores make OpenMP spin: measured 27 s instead of 1.6 s for one model.
            "num_threads": 1,
            "seed": 20,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class Sample:
    """Payments to learn from or to be judged on: values (payments, features), labels, weights."""

    values: Matrix
    fraud: Bools
    weight: Floats

    def columns(self, columns: Ints) -> "Sample":
        """The same payments with the given feature columns only."""
        return Sample(np.ascontiguousarray(self.values[:, columns]), self.fraud, self.weight)

    def rows(self, rows: Ints, weight: Floats) -> "Sample":
        """The given payments, weighted anew."""
        return Sample(np.ascontiguousarray(self.values[rows]), self.fraud[rows], weight)


def fit(sample: Sample, names: Iterable[str], recipe: Recipe) -> lgb.Booster:
    """The model of `recipe` on `sample`; the features are called `names`."""
    parameters = recipe.parameters()
    data = lgb.Dataset(
        sample.values, sample.fraud, weight=sample.weight, feature_name=list(names), params=parameters
    )
    return lgb.train(parameters, data, recipe.rounds)


def margins(booster: lgb.Booster, values: Matrix) -> Floats:
    """Raw log odds of the model, one for each row."""
    return np.asarray(booster.predict(values, raw_score=True, num_threads=1), dtype=np.float64)


def thin(fraud: Bools, most: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Rows and weights of a sample: every fraud, and at most `most` others that stand for all of them."""
    others = np.flatnonzero(~fraud)
    if len(others) <= most:
        return np.arange(len(fraud)), np.ones(len(fraud))
    kept = rng.choice(others, most, replace=False)
    rows = np.sort(np.concatenate([np.flatnonzero(fraud), kept]))
    return rows, np.where(fraud[rows], 1.0, len(others) / most)


def side_by_side(work: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
    """`work` of every item, in order, a thread for each core; LightGBM computes without the GIL."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))
