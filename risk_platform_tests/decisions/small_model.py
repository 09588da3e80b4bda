"""A small real LightGBM model that a decision engine can work with."""

from dataclasses import dataclass
from datetime import date

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SmallModel:
    """One booster whose margins are its raw log odds, taken as calibrated."""

    booster: lgb.Booster
    features: tuple[str, ...]
    anchor_log_odds: float
    train_to: date
    hash: str = "b" * 64

    def margins(self, matrix: Floats) -> Floats:
        return np.asarray(self.booster.predict(matrix, raw_score=True))

    def probabilities(self, margins: Floats) -> Floats:
        return np.asarray(1 / (1 + np.exp(-margins)))

    def attributions(self, matrix: Floats) -> Floats:
        return np.asarray(self.booster.predict(matrix, pred_contrib=True))


def train_small_model(train_to: date) -> SmallModel:
    """A model of two features under which large amounts, and amounts far above the own habit, are fraud."""
    rng = np.random.default_rng(7)
    amount = rng.lognormal(10, 1, 4000)
    ratio = rng.lognormal(0, 0.7, 4000)
    ratio[rng.random(4000) < 0.1] = np.nan
    fraud = (amount > 60_000).astype(float) + (np.nan_to_num(ratio) > 3) + rng.normal(0, 0.3, 4000) > 0.9
    matrix = np.column_stack([amount, ratio])
    parameters = {
        "objective": "binary",
        "num_leaves": 7,
        "min_data_in_leaf": 5,
        "verbosity": -1,
        "num_threads": 1,
    }
    booster = lgb.train(parameters, lgb.Dataset(matrix, fraud, free_raw_data=False), num_boost_round=20)
    margins = np.asarray(booster.predict(matrix, raw_score=True))
    return SmallModel(
        booster, ("amount", "customer_amount_ratio_30d"), float(np.quantile(margins, 0.95)), train_to
    )
