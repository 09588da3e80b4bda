"""The command `evaluate`, as a stranger uses it: a CSV file, a mapping of their own, and mistakes."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.errors import InputError

FIRST = datetime(2025, 3, 1)  # noqa: DTZ001 - a naive local time, as files have it
DAYS = 50
MAPPING = """
source: corner_shop
format: csv
columns:
  transaction_id: id
  event_time: {column: at, timezone: Europe/Lisbon}
  customer_id: who
  counterparty_id: shop
  amount: euros
  is_fraud: bad
constants: {channel: CARD, currency: EUR, counterparty_type: merchant}
"""
KEYS = (
    *("roc_auc", "average_precision", "card_precision_at_100", "card_precision_at_100_ceiling"),
    *(
        "recall_at_1pct_fpr",
        "expected_calibration_error",
        "brier",
        "brier_skill",
        "calibration_slope",
        "prevalence",
    ),
)


def _payments(days: int = DAYS, a_day: int = 120, fraud_share: float = 0.03) -> pl.DataFrame:
    """Frauds are about three times as large as what the customer is used to pay."""
    rng = np.random.default_rng(8)
    count = days * a_day
    who, fraud = rng.integers(0, 60, count), rng.random(count) < fraud_share
    usual = np.exp(rng.normal(2.5, 0.8, 60))[who]
    seconds = np.sort(rng.integers(0, days * 86400, count))
    return pl.DataFrame(
        {
            "id": [f"p{number}" for number in range(count)],
            "at": [(FIRST + timedelta(seconds=int(second))).isoformat() for second in seconds],
            "who": [f"c{code}" for code in who],
            "shop": [f"s{code}" for code in rng.integers(0, 40, count)],
            "euros": np.round(usual * np.exp(rng.normal(0, 0.3, count)) * np.where(fraud, 3, 1), 2),
            "bad": fraud.astype(int),
        }
    )


def _evaluate(folder: Path, payments: pl.DataFrame, *options: str) -> str:
    """Standard output of the command; raises what it was refused with."""
    payments.write_csv(folder / "payments.csv")
    (folder / "mapping.yaml").write_text(MAPPING)
    arguments = [
        "evaluate",
        str(folder / "payments.csv"),
        "--mapping",
        str(folder / "mapping.yaml"),
        *options,
    ]
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        assert result.exit_code != 0
        raise result.exception
    return result.output


def test_any_labelled_file_is_evaluated_in_a_scratch_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "installation"
    monkeypatch.setenv("RISK_HOME", str(home))
    output = _evaluate(
        tmp_path,
        _payments(),
        *("--test-start", "2025-04-09", "--test-days", "5", "--delay-days", "3", "--train-days", "all"),
        *("--folds", "2", "--json", str(tmp_path / "out.json"), "--keep", str(tmp_path / "kept")),
    )
    facts = json.loads((tmp_path / "out.json").read_text())
    assert len(facts["folds"]) == 2
    for part in (*facts["folds"], facts["mean"], facts["std"]):
        assert set(KEYS) <= set(part)
    assert [fold["test_from"] for fold in facts["folds"]] == ["2025-04-04", "2025-04-09"]
    assert [fold["train_to"] for fold in facts["folds"]] == ["2025-03-31", "2025-04-05"]
    assert (
        facts["mean"]["average_precision"] > 2 * facts["floors"]["highest_amount"]["average_precision"] * 0.5
    )
    assert facts["mean"]["roc_auc"] > 0.95
    assert "average_precision" in output
    assert not home.exists()
    assert len(list((tmp_path / "kept" / "bundles").iterdir())) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--test-start", "2025-06-01"],
            "The last test day would be 2025-06-07, but the payments run from 2025-03-01",
        ),
        (["--test-start", "2025-03-09"], "has nothing to train on"),
        (["--test-start", "2025-04-10", "--train-days", "seven"], "neither a number of days nor `all`"),
        (
            ["--test-start", "2025-04-10", "--json", "nowhere/out.json"],
            "lies in a folder that does not exist",
        ),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        _evaluate(tmp_path, _payments(a_day=20), *options)
    assert str(refusal.value).count("\n") == 0


def _relabelled(payments: pl.DataFrame, bad: pl.Expr) -> pl.DataFrame:
    return payments.with_columns(bad.cast(pl.Int64).alias("bad"))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (pl.lit(0), "Not one payment is labelled as fraud"),
        (pl.col("at") > "2025-04-10", "There is no fraud that was reported by then in the training window"),
        (
            (pl.col("at") < "2025-04-09") & (pl.col("bad") == 1),
            "There is no fraud of a customer not yet reported in the test window",
        ),
        (pl.lit(1), "Every payment in the training window .* is fraud; both classes are needed"),
    ],
)
def test_missing_classes_are_named_with_their_window(tmp_path: Path, bad: pl.Expr, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        _evaluate(
            tmp_path, _relabelled(_payments(a_day=20), bad), "--test-start", "2025-04-10", "--folds", "1"
        )


def test_a_folder_in_use_is_not_kept_in(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not empty; name a new folder"):
        _evaluate(tmp_path, _payments(a_day=5), "--test-start", "2025-04-10", "--keep", str(tmp_path))


def test_labels_may_come_in_a_file_of_judgements(tmp_path: Path) -> None:
    """The judgements arrive, and as none falls before the test begins, the training window is said to have none."""
    payments = _payments(a_day=20)
    judgements = pl.DataFrame(
        {
            "transaction_id": payments["id"].tail(3),
            "source": "corner_shop",
            "is_fraud": [True, True, True],
            "known_time": "2025-05-20T00:00:00Z",
            "judged_by": "analyst",
        }
    )
    judgements.write_parquet(tmp_path / "judgements.parquet")
    with pytest.raises(InputError, match="no fraud that was reported by then in the training window"):
        _evaluate(
            tmp_path,
            _relabelled(payments, pl.lit(0)),
            *("--test-start", "2025-04-10", "--judgements", str(tmp_path / "judgements.parquet")),
        )
