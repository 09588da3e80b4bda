"""Live files: taken in line by line, once, whatever happens; what is bad is told and moved out of the way."""

import os
from concurrent.futures import Future
from pathlib import Path

import polars as pl
import pytest

from risk_platform.home import Home
from risk_platform.intake.live_feeder import LiveFeeder
from risk_platform.intake.live_landing import being_written, is_whole
from risk_platform.intake.live_reading import ReadPart
from risk_platform.intake.outcome import Outcome
from risk_platform.intake.process import Running
from risk_platform.operations.live_files import FileProgress, RefusedLine
from risk_platform_tests.intake.conftest import StartEngine
from risk_platform_tests.intake.events import NOW, payment, payments
from risk_platform_tests.intake.live_folder import drop

Lines = list[str]


@pytest.fixture
def told() -> Lines:
    return []


@pytest.fixture
def feeder(running: Running, home: Home, told: Lines) -> LiveFeeder:
    return feeder_of(running, home, told)


def feeder_of(running: Running, home: Home, told: Lines) -> LiveFeeder:
    return LiveFeeder(home, running.store.live_files(), running.engine, lambda: NOW, told.append)


def taken(running: Running) -> list[FileProgress]:
    return running.store.live_files().finished(0)


def counts(progress: FileProgress) -> tuple[int, int, int, int]:
    return progress.lines_done, progress.accepted, progress.refused, progress.duplicates


def test_every_line_is_taken_in_and_the_totals_reconcile(
    feeder: LiveFeeder, running: Running, home: Home, told: Lines
) -> None:
    rows = [*payments(1, 600), payment(601, amount_minor=-5), payment(602, channel="PIGEON"), payment(3)]
    path = drop(home, "canonical", "morning.csv", rows)
    feeder.look()
    [progress] = taken(running)
    assert counts(progress) == (603, 600, 2, 1)
    assert told == ["morning.csv: 600 accepted, 2 refused, 1 duplicates"]
    assert not path.exists()
    assert (home.taken_files / "canonical" / "morning.csv").is_file()
    assert running.store.live_files().refused(progress.file.file_id) == [
        RefusedLine(601, "T601", "amount_in_range", "amount_minor", "-5"),
        RefusedLine(602, "T602", "channel_known", "channel", "PIGEON"),
    ]
    assert running.store.find("payment", ["upi"], ["T600"])[0].sequence == running.store.tail().sequence


def test_judgements_and_outcomes_come_in_alike(feeder: LiveFeeder, running: Running, home: Home) -> None:
    drop(home, "canonical", "payments.csv", payments(1, 3))
    verdict = {"source": "upi", "transaction_id": "T2", "is_fraud": "true", "judged_by": "chargeback"}
    outcome = {"source": "upi", "transaction_id": "T3", "outcome": "declined"}
    drop(home, "canonical_judgements", "judged.csv", [verdict | {"known_time": NOW.isoformat()}])
    drop(home, "canonical_outcomes", "ended.csv", [outcome | {"known_time": NOW.isoformat()}])
    feeder.look()
    assert sorted((each.file.record_kind, each.accepted) for each in taken(running)) == [
        ("judgements", 1),
        ("outcomes", 1),
        ("payments", 3),
    ]
    kinds = {run.kind for run in running.store.runs()}
    assert {"payment", "judgement", "outcome"} <= kinds


def test_the_same_file_under_another_name_adds_nothing(
    feeder: LiveFeeder, running: Running, home: Home, told: Lines
) -> None:
    for name in ("one.csv", "two.csv"):
        drop(home, "canonical", name, payments(1, 5))
        feeder.look()
    assert told[1] == "two.csv: taken in before, nothing added"
    assert [counts(each) for each in taken(running)] == [(5, 5, 0, 0)]


def test_a_bad_file_is_refused_in_a_sentence_and_the_rest_goes_on(
    feeder: LiveFeeder, running: Running, home: Home, told: Lines
) -> None:
    drop(home, "canonical", "bad.csv", [{"nothing": "of", "use": "here"}])
    drop(home, "no_such_mapping", "lost.csv", payments(8, 9))
    drop(home, "canonical", "good.csv", payments(1, 2))
    drop(home, "canonical_parties", "parties.csv", [{"party_id": "C1", "kind": "person", "valid_from": "x"}])
    feeder.look()
    reason = home.refused_files / "canonical" / "bad.csv.reason.txt"
    assert "lacks" in reason.read_text()
    assert (home.refused_files / "canonical" / "bad.csv").is_file()
    assert (home.refused_files / "no_such_mapping" / "lost.csv").is_file()
    assert any("do not come in live" in line for line in told)
    assert [each.file.file_name for each in taken(running)] == ["good.csv"]


def test_a_damaged_table_is_refused_and_changes_nothing(
    feeder: LiveFeeder, running: Running, home: Home, told: Lines
) -> None:
    path = drop(home, "canonical", "whole.csv", payments(1, 400))
    table = pl.read_csv(path)
    damaged = path.with_name("damaged.parquet")
    table.write_parquet(damaged, compression="uncompressed")
    content = bytearray(damaged.read_bytes())
    content[200:4000] = bytes(3800)
    damaged.write_bytes(content)
    os.utime(damaged, (0, 0))
    path.unlink()
    before = running.store.tail()
    feeder.look()
    assert running.store.tail() == before
    assert (home.refused_files / "canonical" / "damaged.parquet").is_file()
    assert len(told) == 1
    assert told[0].startswith("damaged.parquet is refused: ")


def test_a_feeder_goes_on_behind_the_last_line_that_is_durable(
    start: StartEngine, home: Home, told: Lines
) -> None:
    """A part that was committed by an engine that then died is not read again."""
    path = drop(home, "canonical", "long.csv", payments(1, 700))
    with start() as running:
        feeder = _Interrupted(home, running.store.live_files(), running.engine, lambda: NOW, told.append)
        with pytest.raises(InterruptedError):
            feeder.look()
    assert path.exists()
    with start() as running:
        before = {run.sequence for run in running.store.runs()}
        feeder_of(running, home, told).look()
        [progress] = running.store.live_files().finished(0)
        assert counts(progress) == (700, 700, 0, 0)
        later = [run for run in running.store.runs() if run.sequence not in before]
        assert sum(run.events for run in later) == 200


class _Interrupted(LiveFeeder):
    """A feeder that breaks off after two parts."""

    _left = 2

    def _submitted(self, read: ReadPart) -> "Future[Outcome]":
        if not self._left:
            raise InterruptedError
        self._left -= 1
        return super()._submitted(read)


class TestWhole:
    def test_a_file_that_somebody_writes_is_not(self, tmp_path: Path) -> None:
        path = tmp_path / "copying.csv"
        with path.open("w") as writer:
            writer.write("a,b\n1,2\n")
            writer.flush()
            assert being_written(path) is True
            assert not is_whole(path, path.stat().st_mtime + 3600)
        assert being_written(path) is False
        assert is_whole(path, path.stat().st_mtime + 2)

    def test_a_text_that_breaks_off_in_a_line_waits(self, tmp_path: Path) -> None:
        path = tmp_path / "torn.csv"
        path.write_text("a,b\n1,2")
        written = path.stat().st_mtime
        assert not is_whole(path, written + 2)
        assert is_whole(path, written + 11)

    def test_a_file_that_was_just_written_waits(self, tmp_path: Path) -> None:
        path = tmp_path / "new.csv"
        path.write_text("a,b\n1,2\n")
        assert not is_whole(path, path.stat().st_mtime + 0.5)

    @pytest.mark.parametrize("name", [".hidden.csv", "half.csv.part", "half.tmp"])
    def test_unfinished_names_are_left_alone(self, name: str, feeder: LiveFeeder, home: Home) -> None:
        path = drop(home, "canonical", "whole.csv", payments(1, 2)).rename(
            home.landing_live / "canonical" / name
        )
        os.utime(path, (0, 0))
        feeder.look()
        assert path.exists()
