"""Snapshots: all or nothing, promised by hash, the one before in force until the next is whole."""

from datetime import timedelta
from pathlib import Path

import pytest

from risk_platform.errors import ContractError
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform_tests.features.events import Payment
from risk_platform_tests.features.online.feeding import NOON, declared, engine_of, observed

SMALL = declared(aggregates=[{"entity": "customer", "aggs": ["count"], "windows": ["1d"]}])


def paid(number: int) -> Payment:
    moment = NOON + timedelta(minutes=number)
    return Payment(f"p{number}", moment, moment, "c", 100)


@pytest.fixture
def engine() -> OnlineFeatures:
    engine = engine_of(SMALL)
    observed(engine, [paid(number) for number in range(40)])
    return engine


def test_what_is_restored_goes_on_like_the_original(engine: OnlineFeatures, tmp_path: Path) -> None:
    engine.snapshot(tmp_path)
    restored = OnlineFeatures.restore(tmp_path)
    assert restored.state_hash() == engine.state_hash()
    assert observed(restored, [paid(50)]) == observed(engine, [paid(50)])
    assert restored.state_hash() == engine.state_hash()


def test_only_the_newest_snapshot_stays(engine: OnlineFeatures, tmp_path: Path) -> None:
    engine.snapshot(tmp_path)
    observed(engine, [paid(50)])
    engine.snapshot(tmp_path)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    assert OnlineFeatures.restore(tmp_path).state_hash() == engine.state_hash()


def test_an_unfinished_snapshot_leaves_the_one_before_in_force(
    engine: OnlineFeatures, tmp_path: Path
) -> None:
    engine.snapshot(tmp_path)
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "arrays.npz").write_bytes(b"half of it")
    assert OnlineFeatures.restore(tmp_path).state_hash() == engine.state_hash()


def test_a_changed_byte_is_found(engine: OnlineFeatures, tmp_path: Path) -> None:
    engine.snapshot(tmp_path)
    (path,) = tmp_path.glob("*/arrays.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ContractError, match="is damaged"):
        OnlineFeatures.restore(tmp_path)


def test_a_folder_without_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="holds no readable snapshot"):
        OnlineFeatures.restore(tmp_path)
