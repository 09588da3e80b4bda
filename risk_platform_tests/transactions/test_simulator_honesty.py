"""Simulated fraud is neither given away by one column nor hidden from all of them together."""

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from risk_platform.transactions.simulator.ledger import Bools, Floats
from risk_platform.transactions.simulator.simulation import SimulatedPayments

NUMBERS = ("amount_minor", "latitude", "longitude", "hour", "weekday", "thousands", "device_payments")
NAMES = (
    "kind",
    "status",
    "customer_id",
    "instrument_id",
    "counterparty_id",
    "counterparty_type",
    "channel",
    "mcc",
    "device_id",
    "ip_token",
    "city",
    "country",
    "new_device",
    "new_payee",
    "night",
)
HIGHEST_AUC = 0.85
HIGHEST_AVERAGE_PRECISION = 0.25


@pytest.fixture(scope="module")
def labelled(ecosystem: SimulatedPayments) -> pl.DataFrame:
    """Payments with the truth, and what anybody would derive from one column."""
    payments, truth = pl.from_arrow(ecosystem.payments), pl.from_arrow(ecosystem.ground_truth)
    assert isinstance(payments, pl.DataFrame)
    assert isinstance(truth, pl.DataFrame)
    local = pl.col("event_time").dt.convert_time_zone("Asia/Kolkata")
    seen_device = pl.int_range(pl.len()).over("customer_id", "device_id")
    seen_payee = pl.int_range(pl.len()).over("customer_id", "counterparty_id")
    return payments.join(truth, on="transaction_id", how="left", maintain_order="left").with_columns(
        fraud=pl.col("typology").is_not_null(),
        hour=local.dt.hour(),
        night=(local.dt.hour() < 5),
        weekday=local.dt.weekday(),
        thousands=pl.col("amount_minor") % 100_000,
        device_payments=seen_device,
        new_device=(seen_device == 0) & pl.col("device_id").is_not_null(),
        new_payee=seen_payee == 0,
    )


def assert_weak(fraud: Bools, score: Floats, column: str) -> None:
    auc = roc_auc_score(fraud, score)
    assert max(auc, 1 - auc) < HIGHEST_AUC, column
    precision = max(average_precision_score(fraud, score), average_precision_score(fraud, -score))
    assert precision < HIGHEST_AVERAGE_PRECISION, column


@pytest.mark.parametrize("column", NUMBERS)
def test_no_number_separates_fraud(labelled: pl.DataFrame, column: str) -> None:
    values = labelled[column].cast(pl.Float64).fill_null(-1e12).to_numpy()
    assert_weak(labelled["fraud"].to_numpy(), values, column)


@pytest.mark.parametrize("column", NAMES)
def test_no_name_separates_fraud(labelled: pl.DataFrame, column: str) -> None:
    half = labelled.height // 2
    prior = labelled["fraud"].mean()
    assert isinstance(prior, float)
    rates = labelled[:half].group_by(column).agg(rate=(pl.col("fraud").sum() + 20 * prior) / (pl.len() + 20))
    later = labelled[half:].join(rates, on=column, how="left", nulls_equal=True, maintain_order="left")
    assert_weak(later["fraud"].to_numpy(), later["rate"].fill_null(prior).to_numpy(), column)


@pytest.mark.parametrize("column", ["amount_minor", "hour"])
def test_no_curve_over_one_number_separates_fraud(labelled: pl.DataFrame, column: str) -> None:
    bins = labelled[column].rank("dense").cast(pl.Int64) if column == "hour" else _bins(labelled[column])
    with_bins = labelled.with_columns(bin=bins)
    half = labelled.height // 2
    rates = with_bins[:half].group_by("bin").agg(rate=pl.col("fraud").mean())
    later = with_bins[half:].join(rates, on="bin", how="left", maintain_order="left")
    assert_weak(later["fraud"].to_numpy(), later["rate"].fill_null(0.0).to_numpy(), column)


def _bins(values: pl.Series) -> pl.Series:
    return (values.rank() * 60 / len(values)).floor().cast(pl.Int64)


def test_a_few_columns_together_find_fraud_far_better_but_not_all_of_it(labelled: pl.DataFrame) -> None:
    features = _features(labelled)
    fraud = labelled["fraud"].to_numpy()
    half = labelled.height * 6 // 10
    model = lgb.LGBMClassifier(
        n_estimators=60,
        learning_rate=0.15,
        num_leaves=15,
        min_child_weight=1,
        reg_lambda=5,
        verbose=-1,
        n_jobs=1,
        random_state=1,
    )
    model.fit(features[:half], fraud[:half])
    scores = np.asarray(model.predict_proba(features[half:]))[:, 1]
    precision = average_precision_score(fraud[half:], scores)
    assert 0.3 < precision < 0.9


def _features(labelled: pl.DataFrame) -> Floats:
    """A handful of habits: amount against one's own, novelty, speed, use of payee and device."""
    amount = pl.col("amount_minor").log()
    mean = amount.cum_sum().shift(1) / pl.int_range(pl.len())
    gap = pl.col("event_time").diff().dt.total_seconds()
    codes = [pl.col(name).cast(pl.Categorical).to_physical().alias(name) for name in ("channel", "mcc")]
    table = labelled.select(
        amount,
        (amount - mean.over("customer_id")).alias("deviation"),
        gap.over("customer_id").alias("payer_gap"),
        gap.over("counterparty_id").alias("payee_gap"),
        gap.over("device_id").alias("device_gap"),
        pl.int_range(pl.len()).over("counterparty_id").alias("payee_count"),
        pl.int_range(pl.len()).over("customer_id").alias("payer_count"),
        "device_payments",
        "new_payee",
        "hour",
        "thousands",
        (pl.col("customer_id") != pl.col("customer_id").shift(1)).over("device_id").alias("other_user"),
        *codes,
    )
    return table.cast(pl.Float64).fill_null(float("nan")).to_numpy()
