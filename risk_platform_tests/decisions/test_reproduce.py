import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from risk_platform.cli.main import app
from risk_platform.decisions.archive import Archive
from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.reproduce import Reproduction, reproduce
from risk_platform.decisions.rules.columns import Features
from risk_platform.decisions.stored import find_stored
from risk_platform.errors import BundleError, InputError
from risk_platform.home import Home
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES, TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform.models.champion import store_bundle
from risk_platform.settings import settings
from risk_platform_tests.decisions.small_model import FEATURES, rule_book

DAY = date(2026, 3, 20)
NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
NAMES = (*FEATURES, "hour")
RULES = """\
degraded_level: HIGH
rules:
  - name: night
    description: At night.
    from: 2026-01-01
    when: hour < 5 and channel == "UPI"
    effect: {score_floor: 0.6}
    reason_code: R-RULE-NIGHT
    mode: live
"""
COUNT = 40


@dataclass(frozen=True)
class Desk:
    """A home with a lake of forty decided payments and all that they were decided with."""

    home: Home
    lake: Lake
    archive: Archive

    def again(self, name: str) -> Reproduction:
        found = find_stored(self.lake, name)
        assert found is not None
        return reproduce(
            found.decision, found.payment, found.mart, self.archive, NAMES, ReasonDictionary.shipped()
        )


def marts() -> pa.Table:
    rng = np.random.default_rng(2)
    moments = [NOON + timedelta(seconds=at) for at in range(COUNT)]
    amounts = rng.lognormal(10, 1.5, COUNT)
    ratios = np.where(rng.random(COUNT) < 0.2, np.nan, rng.lognormal(0, 1, COUNT))
    return pa.table(
        {
            "source": ["test"] * COUNT,
            "transaction_id": [f"t{at}" for at in range(COUNT)],
            "event_time": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "event_date": [DAY] * COUNT,
            "known_time": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "amount": amounts,
            "customer_amount_to_mean_90d": pa.array(ratios, from_pandas=True),
            "hour": rng.integers(0, 24, COUNT).astype(float),
        }
    )


def transactions(mart: pa.Table) -> pa.Table:
    stated = {
        "partition": pa.array([0] * COUNT, pa.int16()),
        "kind": ["transfer"] * COUNT,
        "status": ["completed"] * COUNT,
        "customer_id": ["c"] * COUNT,
        "amount_minor": [100] * COUNT,
        "currency": ["INR"] * COUNT,
        "channel": ["UPI", "CARD"] * (COUNT // 2),
        "broken_rules": pa.array([[]] * COUNT, pa.list_(pa.string())),
    }
    stated |= {name: mart[name] for name in mart.column_names if name in TRANSACTIONS.column_names}
    empty = {
        each.name: pa.nulls(COUNT, each.type) for each in TRANSACTIONS.columns if each.name not in stated
    }
    return pa.table({name: (stated | empty)[name] for name in TRANSACTIONS.column_names})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, model: Bundle, thresholds: Thresholds) -> Desk:
    home = Home(tmp_path_factory.mktemp("home"))
    archive, book, lake = Archive.of(home), rule_book(RULES), Lake(str(home.root / "lake"))
    store_bundle(home.bundles, model)
    archive.keep(book, thresholds)
    mart = marts()
    paid = transactions(mart)
    lake.replace_range(PAYMENT_FEATURES, mart, DAY, DAY)
    lake.replace_range(TRANSACTIONS, paid, DAY, DAY)
    decided = []
    for at in range(COUNT):
        # Every way: by the model, without features, without one of them, without a model, switched off.
        engine = DecisionEngine(
            None if at % 8 == 3 else model,
            thresholds,
            ReasonDictionary.shipped(),
            book,
            kill_switch=at % 8 == 5,
            no_bundle_reason="the bundle is torn",
        )
        names = {1: None, 2: ("amount", "hour")}.get(at % 8, NAMES)
        row = paid.slice(at, 1)
        decided.append(
            engine.decide(
                row,
                None if names is None else Features.of(mart.slice(at, 1), names),
                decided_time=NOON,
                decided_by="batch",
                features_version=0,
            )
        )
    lake.insert_if_absent(DECISIONS, pa.Table.from_batches(decided))
    return Desk(home, lake, archive)


def test_every_decision_is_reproduced_to_the_digit(desk: Desk) -> None:
    stored = desk.lake.read(DECISIONS)
    reasons = set(stored["degraded_reason"].to_pylist())
    assert reasons == {
        None,
        "no features",
        "features are missing: customer_amount_to_mean_90d",
        "the bundle is torn",
        "kill switch",
    }
    assert "night" in {hit for hits in stored["rule_hits"].to_pylist() for hit in hits}
    for at in range(COUNT):
        result = desk.again(f"test:t{at}")
        assert result.decision == ()
        if at % 8 not in (1, 2, 3):
            assert result.values == ()


def altered(desk: Desk, tmp_path: Path, name: str, column: str, value: object) -> Desk:
    """The desk with one field of one decision changed behind everybody's back."""
    rows = desk.lake.read(DECISIONS).to_pylist()
    row = next(row for row in rows if row["transaction_id"] == name)
    row[column] = value
    lake = Lake(str(tmp_path / "lake"))
    lake.insert_if_absent(DECISIONS, pa.Table.from_pylist(rows, schema=DECISIONS.schema))
    lake.replace_range(PAYMENT_FEATURES, desk.lake.read(PAYMENT_FEATURES), DAY, DAY)
    lake.replace_range(TRANSACTIONS, desk.lake.read(TRANSACTIONS), DAY, DAY)
    return Desk(desk.home, lake, desk.archive)


def test_a_value_changed_by_its_last_bit_is_told(desk: Desk, tmp_path: Path) -> None:
    stored = desk.lake.read(DECISIONS, filter=None).to_pylist()
    values = next(row for row in stored if row["transaction_id"] == "t0")["feature_values"]
    changed = [float(np.nextafter(values[0], np.inf)), *values[1:]]
    result = altered(desk, tmp_path, "t0", "feature_values", changed).again("t0")
    assert [(each.field, each.stored, each.found) for each in result.values or ()] == [
        ("amount", changed[0], values[0])
    ]
    assert not result.equal


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("score", 0.123),
        ("margin", 1.0),
        ("level", "CRITICAL"),
        ("advice", "block"),
        ("reason_codes", ["R-RULE-BLOCKED"]),
        ("rule_hits", ["day"]),
        ("attributions", [0.0, 0.0, 0.0]),
        ("decision_id", "0" * 32),
    ],
)
def test_a_changed_field_is_told(desk: Desk, tmp_path: Path, column: str, value: object) -> None:
    result = altered(desk, tmp_path, "t0", column, value).again("t0")
    assert [(each.field, each.stored) for each in result.decision] == [(column, value)]


def test_what_it_was_decided_with_must_still_be_there(desk: Desk, tmp_path: Path) -> None:
    elsewhere = Desk(desk.home, desk.lake, Archive.of(Home(tmp_path)))
    with pytest.raises(BundleError, match="There is no bundle at"):
        elsewhere.again("t0")
    elsewhere.archive.thresholds.mkdir()
    with pytest.raises(InputError, match="restore it from a backup"):
        elsewhere.again("t3")


def test_an_altered_rule_book_is_refused(desk: Desk, tmp_path: Path) -> None:
    home = Home(tmp_path)
    for kept in (desk.archive.rules, desk.archive.thresholds):
        (tmp_path / kept.name).mkdir()
        for file in kept.iterdir():
            (tmp_path / kept.name / file.name).write_bytes(file.read_bytes().replace(b"0.6", b"0.7"))
    with pytest.raises(InputError, match="is not the bytes its name promises"):
        Desk(desk.home, desk.lake, Archive.of(home)).again("t3")


@pytest.mark.usefixtures("at_home")
def test_unknown_payments_are_said_in_one_sentence() -> None:
    result = CliRunner().invoke(app, ["reproduce", "other:t0"])
    assert isinstance(result.exception, InputError)
    assert str(result.exception).startswith("Nobody decided other:t0; name it as SOURCE:TRANSACTION_ID")


@pytest.fixture
def at_home(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("RISK_HOME", str(desk.home.root))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("at_home")
def test_the_command_says_equal(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["reproduce", "test:t0", "--json", str(tmp_path / "out.json")])
    assert result.exit_code == 0, result.output
    assert "reproduced to the digit" in result.output.replace("\n", " ")
    written = json.loads((tmp_path / "out.json").read_text())
    assert (written["equal"], written["decision"], written["values"]) == (True, [], [])
