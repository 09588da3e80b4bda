"""Scratch folders of processes that were really killed: gone with the next start, never those of the living."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS

# Writes a row, then waits amid the write until a line comes in.
_WRITER = """
import sys
import pyarrow as pa
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS
from risk_platform_tests.lake.rows import judgements

def rows():
    yield from judgements(sys.argv[2]).to_batches()
    print("writing", flush=True)
    sys.stdin.readline()

stream = pa.RecordBatchReader.from_batches(JUDGEMENTS.schema, rows())
Lake(sys.argv[1]).insert_if_absent(JUDGEMENTS, stream)
"""
_READER = """
import sys
from risk_platform.lake.lake import Lake
session = Lake(sys.argv[1]).connect()
print("reading", flush=True)
sys.stdin.readline()
"""
# Holds more than its memory, and says what lies in the temp directory then and afterwards.
_SPILLER = """
import sys
from risk_platform.lake.lake import Lake
from risk_platform.lake.scratch import scratch_folder
session = Lake(sys.argv[1]).connect()
session.execute("SET memory_limit = '60MB'; SET threads = 1; SET enable_progress_bar = false")
session.execute("CREATE TABLE large AS SELECT hash(range) AS h FROM range(12_000_000)")
print(sum(path.stat().st_size for path in scratch_folder().rglob("*.tmp")) > 10_000_000)
session.close()
print(list(scratch_folder().iterdir()))
"""
_FORKED = """
import os
import sys
from risk_platform.lake.scratch import scratch_folder
first = scratch_folder()
if os.fork() == 0:
    print(scratch_folder() != first, first.exists(), flush=True)
    os._exit(0)
os.wait()
print(first.exists(), flush=True)
"""


@contextmanager
def started(program: str, temp: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A process whose temp directory is `temp`, killed at the end should it still run."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"TMPDIR": str(temp)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def scratch(temp: Path) -> set[Path]:
    return set(temp.glob("risk-lake-*"))


def test_the_killed_ones_folder_goes_and_the_living_one_writes_on(tmp_path: Path) -> None:
    temp, lake = tmp_path / "temp", Lake(str(tmp_path / "lake"))
    temp.mkdir()
    with started(_WRITER, temp, lake.root, "killed") as victim:
        assert said(victim) == "writing"
        [abandoned] = scratch(temp)
        victim.kill()
        victim.wait()
    assert (next(abandoned.iterdir()) / "offered.parquet").exists()
    with started(_WRITER, temp, lake.root, "living") as living:
        assert said(living) == "writing"
        [kept] = scratch(temp)
        assert kept != abandoned
        with started(_READER, temp, lake.root) as reader:
            assert said(reader) == "reading"
            assert len(scratch(temp) - {kept}) == 1
            reader.communicate("\n")
        assert scratch(temp) == {kept}
        living.communicate("\n")
        assert living.returncode == 0
    assert scratch(temp) == set()
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["living"]


def test_what_is_spilled_lies_in_the_folder_and_goes_with_it(tmp_path: Path) -> None:
    with started(_SPILLER, tmp_path, str(tmp_path / "lake")) as process:
        assert process.communicate()[0] == "True\n[]\n"
        assert process.returncode == 0
    assert scratch(tmp_path) == set()


def test_a_forked_process_has_its_own_and_leaves_its_parents(tmp_path: Path) -> None:
    with started(_FORKED, tmp_path) as process:
        assert process.communicate()[0] == "True True\nTrue\n"
    with started(
        "from risk_platform.lake.scratch import scratch_folder; scratch_folder()", tmp_path
    ) as next_one:
        next_one.communicate()
    assert scratch(tmp_path) == set()


def test_what_is_not_ours_is_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "risk-lake-held-link").symlink_to(outside)
    (tmp_path / "risk-lake-held-file").write_text("a file")
    (tmp_path / "risk-lake-0123").mkdir()
    with started(
        "from risk_platform.lake.scratch import scratch_folder; scratch_folder()", tmp_path
    ) as process:
        process.communicate()
        assert process.returncode == 0
    left = {"outside", "risk-lake-held-link", "risk-lake-held-file", "risk-lake-0123"}
    assert {path.name for path in tmp_path.iterdir()} == left
