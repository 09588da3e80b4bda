"""What a crash or a full disk leaves behind: the old version, or a refusal that names the file."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS
from risk_platform_tests.lake.rows import judgements, quality


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lake = Lake(str(tmp_path))
    for name in "ab":
        lake.insert_if_absent(JUDGEMENTS, judgements(name))
    return tmp_path / "judgements"


def _commit(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020d}.json"


def test_a_last_commit_of_no_length_is_refused_and_mended_as_told(folder: Path) -> None:
    _commit(folder, 1).write_bytes(b"")
    lake = Lake(str(folder.parent))
    with pytest.raises(LakeError, match=r"00001\.json was cut short, .* delete that file") as refused:
        lake.read(JUDGEMENTS)
    with pytest.raises(LakeError, match="cut short"):
        lake.insert_if_absent(JUDGEMENTS, judgements("c"))
    assert str(_commit(folder, 1)) in str(refused.value)
    _commit(folder, 1).unlink()
    assert lake.read(JUDGEMENTS)["judgement_id"].to_pylist() == ["a"]
    lake.insert_if_absent(JUDGEMENTS, judgements("b"))
    assert lake.read(JUDGEMENTS).num_rows == 2


@pytest.mark.parametrize("length", [1, 100, -1])
def test_a_torn_last_commit_is_refused(folder: Path, length: int) -> None:
    commit = _commit(folder, 1)
    commit.write_bytes(commit.read_bytes()[:length])
    with pytest.raises(LakeError, match="was cut short"):
        Lake(str(folder.parent)).version(JUDGEMENTS)


def test_a_cut_or_lost_data_file_of_the_last_commit_is_refused(folder: Path) -> None:
    actions = [json.loads(line) for line in _commit(folder, 1).read_text().splitlines()]
    (name,) = (action["add"]["path"] for action in actions if "add" in action)
    data = folder / name
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(LakeError, match="is missing or cut short") as refused:
        Lake(str(folder.parent)).read(JUDGEMENTS)
    assert name in str(refused.value)
    data.unlink()
    with pytest.raises(LakeError, match="is missing or cut short"):
        Lake(str(folder.parent)).read(JUDGEMENTS)


def test_every_commit_and_data_file_is_forced_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[str] = set()
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.add(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    Lake(str(tmp_path)).replace_range(DATA_QUALITY, quality({1: 1, 2: 1}), date(2026, 1, 1), date(2026, 1, 2))
    written = {str(path) for path in (tmp_path / "data_quality").rglob("*")} - {
        str(path) for path in (tmp_path / "data_quality" / "_delta_log").iterdir() if path.suffix != ".json"
    }
    assert written <= synced
    assert {str(tmp_path), str(tmp_path / "data_quality")} <= synced


_WRITE = """
import random, resource, sys
from risk_platform.errors import LakeError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS
from risk_platform_tests.lake.rows import judgements
if int(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
noise = random.Random(0)
try:
    identifiers = [noise.randbytes(32).hex() for _ in range(60000)]
    Lake(sys.argv[1]).append_once(JUDGEMENTS, judgements(*identifiers), "drain", 1)
except LakeError as error:
    print(error)
"""


def _write(root: Path, largest_file: int = 0) -> str:
    arguments = [sys.executable, "-c", _WRITE, str(root), str(largest_file)]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


_FULL = "Lake table judgements was not written: the disk is full; the table is as it was before, "


def test_a_write_that_meets_its_size_limit_leaves_the_old_version(folder: Path) -> None:
    assert _write(folder.parent, largest_file=64 * 1024).startswith(_FULL)
    lake = Lake(str(folder.parent))
    assert lake.version(JUDGEMENTS) == 1
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as mount:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount], capture_output=True
        )
        if mounted.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
        yield Path(mount)
        subprocess.run(["umount", mount], check=True)


def test_a_full_disk_leaves_the_old_version(small_disk: Path) -> None:
    lake = Lake(str(small_disk / "lake"))
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))
    assert _write(small_disk / "lake").startswith(_FULL)
    assert lake.version(JUDGEMENTS) == 0
    assert lake.read(JUDGEMENTS)["judgement_id"].to_pylist() == ["a"]
    assert lake.append_once(JUDGEMENTS, judgements("b"), "drain", 1)


def test_wherever_the_disk_fills_up_the_version_is_the_old_or_the_new_one(small_disk: Path) -> None:
    lake = Lake(str(small_disk / "lake"))
    lake.insert_if_absent(JUDGEMENTS, judgements("0"))
    outcomes = []
    for attempt, free_blocks in enumerate([0, 1, 2, 3, 4, 8, 16], start=1):
        before = lake.version(JUDGEMENTS)
        with (small_disk / "ballast").open("wb") as ballast:
            ballast.write(bytes((os.statvfs(small_disk).f_bavail - free_blocks) * 4096))
        outcomes.append(_try_insert(lake, str(attempt)))
        (small_disk / "ballast").unlink()
        assert lake.version(JUDGEMENTS) == before + outcomes[-1]
        assert lake.read(JUDGEMENTS).num_rows == 1 + sum(outcomes)
    assert (outcomes[0], outcomes[-1]) == (0, 1)


def _try_insert(lake: Lake, name: str) -> int:
    try:
        return lake.insert_if_absent(JUDGEMENTS, judgements(name)).inserted
    except LakeError as error:
        if not str(error).startswith(_FULL):
            raise
        return 0


def test_a_disk_that_does_not_confirm_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(
        LakeError, match=r"has a new version that the disk did not confirm: .*Input/output error"
    ):
        Lake(str(tmp_path)).insert_if_absent(JUDGEMENTS, judgements("a"))
