"""A small real bundle that a decision engine can work with."""

from datetime import UTC, date, datetime, time

import lightgbm as lgb
import numpy as np

from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.decisions.rules.lists import Lists
from risk_platform.decisions.rules.rule_set import RuleSet
from risk_platform.models.bundle import Bundle, TrainingSpan
from risk_platform.models.calibration import Calibration

FEATURES = ("amount", "customer_amount_to_mean_90d")


NO_RULES = """\
degraded_level: MEDIUM
rules: []
"""
NO_LISTS = "blocked: []\n"


def rule_book(rules: str = NO_RULES, lists: str = NO_LISTS) -> RuleBook:
    """The rule book over the features of the small model that is written in two YAML texts."""
    return RuleBook(RuleSet.parse(rules, (*FEATURES, "hour"), ReasonDictionary.shipped()), Lists.parse(lists))


def train_small_model(last_day: date) -> Bundle:
    """A bundle of two features under which large amounts, and amounts far above the own habit, are fraud."""
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
    data = lgb.Dataset(matrix, fraud, feature_name=list(FEATURES))
    booster = lgb.train(parameters, data, num_boost_round=20)
    margins = np.asarray(booster.predict(matrix, raw_score=True))
    return Bundle(
        model_text=booster.model_to_string(),
        features=FEATURES,
        calibration=Calibration((-1.0, 1.0), (-1.0, 1.0)),
        anchor_log_odds=float(np.quantile(margins, 0.95)),
        alert_budget=0.05,
        trained_on=TrainingSpan(date(2026, 3, 1), last_day, datetime.combine(last_day, time(), UTC)),
        reference=dict.fromkeys(FEATURES, (0.5, 1.0, 2.0)),
    )
