"""Data larger than memory: staged part by part, and still one commit."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from risk_platform.errors import LakeError
from risk_platform.lake import writing
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS, PAYMENT_FEATURES
from risk_platform_tests.lake.rows import features, judgements, quality

_FROM, _TO = date(2026, 1, 1), date(2026, 1, 3)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(writing, "STAGE_BYTES", 1)
    return Lake(str(tmp_path))


def _rows(data: pa.Table) -> pa.RecordBatchReader:
    """The rows one by one, each a part of its own."""
    return pa.RecordBatchReader.from_batches(data.schema, data.to_batches(max_chunksize=1))


def _leftovers(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("*/_staging-*"))


def test_many_parts_are_one_version(lake: Lake, tmp_path: Path) -> None:
    assert lake.append_once(JUDGEMENTS, _rows(judgements("a", "b", "c")), "drain", 1)
    assert lake.version(JUDGEMENTS) == 0
    assert lake.append_once(JUDGEMENTS, _rows(judgements("d", "e")), "drain", 2)
    assert not lake.append_once(JUDGEMENTS, _rows(judgements("d", "e")), "drain", 2)
    assert lake.version(JUDGEMENTS) == 1
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == list("abcde")
    assert lake.read(JUDGEMENTS).schema == JUDGEMENTS.schema
    assert _leftovers(tmp_path) == []


def test_a_range_is_replaced_with_the_days_that_vanish(lake: Lake) -> None:
    lake.replace_range(DATA_QUALITY, _rows(quality({1: 2, 2: 2, 3: 2})), _FROM, _TO)
    lake.replace_range(DATA_QUALITY, _rows(quality({2: 3})), date(2026, 1, 2), _TO)
    assert lake.version(DATA_QUALITY) == 1
    assert sorted(day.day for day in lake.read(DATA_QUALITY)["event_date"].to_pylist()) == [1, 1, 2, 2, 2]
    assert lake.read(DATA_QUALITY, version=0).num_rows == 6


def test_open_columns_may_be_new(lake: Lake) -> None:
    lake.replace_range(PAYMENT_FEATURES, features(1, old=1.5), _FROM, _FROM)
    both = pa.concat_tables([features(2, new=2.5), features(3, new=3.5)])
    lake.replace_range(PAYMENT_FEATURES, _rows(both), date(2026, 1, 2), _TO)
    rows = lake.read(PAYMENT_FEATURES).sort_by("event_date").select(["old", "new"]).to_pylist()
    assert rows == [{"old": 1.5, "new": None}, {"old": None, "new": 2.5}, {"old": None, "new": 3.5}]


def test_a_refused_row_far_into_the_stream_leaves_nothing_behind(lake: Lake, tmp_path: Path) -> None:
    lake.replace_range(DATA_QUALITY, quality({1: 1}), _FROM, _TO)
    with pytest.raises(LakeError, match="outside the days 2026-01-01 to 2026-01-03"):
        lake.replace_range(DATA_QUALITY, _rows(quality({1: 2, 2: 2, 9: 1})), _FROM, _TO)
    assert lake.read(DATA_QUALITY).num_rows == 1
    assert _leftovers(tmp_path) == []


def test_an_overtaken_writer_is_refused(lake: Lake, tmp_path: Path) -> None:
    lake.append_once(JUDGEMENTS, judgements("a"), "drain", 1)

    def overtaken() -> Iterator[pa.RecordBatch]:
        Lake(str(tmp_path)).append_once(JUDGEMENTS, judgements("b"), "rival", 1)
        yield from judgements("c", "d").to_batches(max_chunksize=1)

    stream = pa.RecordBatchReader.from_batches(JUDGEMENTS.schema, overtaken())
    with pytest.raises(LakeError, match="another writer committed first"):
        lake.append_once(JUDGEMENTS, stream, "drain", 2)
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b"]
