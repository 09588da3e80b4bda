"""Real processes on one table: readers see whole versions, and of two writers one is refused."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Inserted, Lake
from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS
from risk_platform_tests.lake.rows import judgements, quality

_ROUNDS = 25
_FROM, _TO = date(2026, 1, 1), date(2026, 1, 3)

# Each version holds its own number of rows on each of three days, so a torn read has unequal days.
_WRITER = f"""
import sys
from datetime import date
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY
from risk_platform_tests.lake.rows import quality
lake = Lake(sys.argv[1])
for rows in range(2, {_ROUNDS} + 2):
    days = quality({{1: rows, 2: rows, 3: rows}})
    lake.replace_range(DATA_QUALITY, days, date(2026, 1, 1), date(2026, 1, 3))
"""
_READER = f"""
import sys
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY
lake, seen = Lake(sys.argv[1]), []
while lake.version(DATA_QUALITY) < {_ROUNDS}:
    with lake.connect() as session:
        days = session.execute("SELECT count(*) FROM data_quality GROUP BY event_date").fetchall()
        seen.append(sorted(day[0] for day in days))
    dates = lake.read(DATA_QUALITY, columns=["event_date"]).group_by("event_date")
    seen.append(sorted(dates.aggregate([([], "count_all")])["count_all"].to_pylist()))
print([counts for counts in seen if len(counts) != 3 or len(set(counts)) != 1], len(seen) > 0)
print([a[0] for a in seen] == sorted(a[0] for a in seen))
"""


def test_readers_see_whole_versions_while_a_writer_replaces_them(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.replace_range(DATA_QUALITY, quality({1: 1, 2: 1, 3: 1}), _FROM, _TO)
    readers = [_start(_READER, tmp_path) for _ in range(2)]
    writer = _start(_WRITER, tmp_path)
    assert _output(writer) == ""
    assert [_output(reader) for reader in readers] == ["[] True\nTrue\n"] * 2
    assert lake.version(DATA_QUALITY) == _ROUNDS


_RIVAL = """
import sys
from risk_platform.errors import LakeError
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS
from risk_platform_tests.lake.rows import judgements
lake, inserted, refused = Lake(sys.argv[1]), 0, 0
for number in range(15):
    offered = judgements(f"shared {number}", f"{sys.argv[2]} {number}")
    try:
        inserted += lake.insert_if_absent(JUDGEMENTS, offered).inserted
    except LakeError as error:
        assert "another writer" in str(error), error
        refused += 1
print(inserted, refused)
"""


def test_two_writers_never_insert_a_key_twice(tmp_path: Path) -> None:
    rivals = [_start(_RIVAL, tmp_path, name) for name in ("left", "right")]
    counts = [tuple(int(word) for word in _output(rival).split()) for rival in rivals]
    lake = Lake(str(tmp_path))
    identifiers = lake.read(JUDGEMENTS)["judgement_id"].to_pylist()
    assert len(identifiers) == len(set(identifiers)) == sum(inserted for inserted, _ in counts)


def test_a_writer_that_is_overtaken_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))

    def overtaken() -> Iterator[pa.RecordBatch]:
        Lake(str(tmp_path)).insert_if_absent(JUDGEMENTS, judgements("b"))
        yield from judgements("b", "c").to_batches()

    stream = pa.RecordBatchReader.from_batches(JUDGEMENTS.schema, overtaken())
    with pytest.raises(LakeError, match="judgements was not written: another writer committed first"):
        lake.insert_if_absent(JUDGEMENTS, stream)
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b"]
    assert lake.insert_if_absent(JUDGEMENTS, judgements("b", "c")) == Inserted(1, 1)
    assert lake.version(JUDGEMENTS) == 2


def _start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _output(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=300)
    return output
