"""The lake's verbs on small tables, with exact results."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Inserted, Lake
from risk_platform.lake.tables import DATA_QUALITY, GRAPH_NODES, JUDGEMENTS, PAYMENT_FEATURES, TABLES
from risk_platform_tests.lake.rows import features, judgements, quality


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_a_table_never_written_is_absent_and_reads_as_empty(lake: Lake) -> None:
    assert not lake.exists(JUDGEMENTS)
    assert lake.version(JUDGEMENTS) == -1
    assert lake.read(JUDGEMENTS).num_rows == 0
    assert lake.dataset(JUDGEMENTS).schema == JUDGEMENTS.schema


def test_insert_if_absent_keeps_the_first_of_each_key(lake: Lake) -> None:
    assert lake.insert_if_absent(JUDGEMENTS, judgements("a", "b", "a")) == Inserted(inserted=2, duplicates=1)
    assert lake.insert_if_absent(JUDGEMENTS, judgements("b", "c")) == Inserted(inserted=1, duplicates=1)
    assert lake.version(JUDGEMENTS) == 1
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b", "c"]


def test_an_insert_of_known_rows_makes_no_new_version(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))
    assert lake.insert_if_absent(JUDGEMENTS, judgements("a")) == Inserted(inserted=0, duplicates=1)
    assert lake.version(JUDGEMENTS) == 0


def test_append_once_takes_each_batch_of_an_application_once(lake: Lake) -> None:
    assert lake.append_once(JUDGEMENTS, judgements("a"), "drain", 1)
    assert not lake.append_once(JUDGEMENTS, judgements("a"), "drain", 1)
    assert not lake.append_once(JUDGEMENTS, judgements("z"), "drain", 0)
    assert lake.append_once(JUDGEMENTS, judgements("b"), "drain", 2)
    assert lake.append_once(JUDGEMENTS, judgements("c"), "another", 1)
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b", "c"]


def test_replace_range_replaces_whole_days_in_one_commit(lake: Lake) -> None:
    lake.replace_range(DATA_QUALITY, quality({1: 2, 2: 2, 3: 2}), date(2026, 1, 1), date(2026, 1, 3))
    lake.replace_range(DATA_QUALITY, quality({2: 1}), date(2026, 1, 2), date(2026, 1, 3))
    assert lake.version(DATA_QUALITY) == 1
    days = lake.read(DATA_QUALITY)["event_date"].to_pylist()
    assert sorted(day.day for day in days) == [1, 1, 2]


def test_replace_range_by_nothing_empties_the_days(lake: Lake) -> None:
    lake.replace_range(DATA_QUALITY, quality({1: 1, 2: 1}), date(2026, 1, 1), date(2026, 1, 2))
    lake.replace_range(DATA_QUALITY, quality({}), date(2026, 1, 2), date(2026, 1, 2))
    assert lake.read(DATA_QUALITY)["event_date"].to_pylist() == [date(2026, 1, 1)]


def test_replace_range_refuses_rows_of_other_days(lake: Lake) -> None:
    with pytest.raises(LakeError, match="outside the days 2026-01-01 to 2026-01-02"):
        lake.replace_range(DATA_QUALITY, quality({1: 1, 3: 1}), date(2026, 1, 1), date(2026, 1, 2))
    assert not lake.exists(DATA_QUALITY)


def test_an_old_version_can_still_be_read(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))
    lake.insert_if_absent(JUDGEMENTS, judgements("b"))
    assert lake.read(JUDGEMENTS, version=0)["judgement_id"].to_pylist() == ["a"]


def test_every_table_is_a_view_of_a_session(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a", "b"))
    with lake.connect() as session:
        counts = {
            table.name: session.execute(f"SELECT count(*) FROM {table.name}").fetchall()[0][0]
            for table in TABLES
        }
        assert session.execute("SELECT max(known_time)::VARCHAR FROM judgements").fetchall() == [
            ("2026-01-02 00:00:00+00",)
        ]
    assert {name: count for name, count in counts.items() if count} == {"judgements": 2}


def test_open_columns_come_and_go_with_the_feature_spec(lake: Lake) -> None:
    lake.replace_range(PAYMENT_FEATURES, features(1, old=1.5), date(2026, 1, 1), date(2026, 1, 1))
    lake.replace_range(PAYMENT_FEATURES, features(2, new=2.5), date(2026, 1, 2), date(2026, 1, 2))
    rows = lake.read(PAYMENT_FEATURES).sort_by("event_date").select(["old", "new"]).to_pylist()
    assert rows == [{"old": 1.5, "new": None}, {"old": None, "new": 2.5}]


def test_compaction_and_vacuum_leave_the_rows_as_they_are(lake: Lake) -> None:
    for name in "abc":
        lake.insert_if_absent(JUDGEMENTS, judgements(name))
    assert lake.compact(JUDGEMENTS) == 3
    assert lake.vacuum(JUDGEMENTS, timedelta(0)) == 3
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b", "c"]


def test_each_kind_of_table_is_replaced_its_own_way(lake: Lake) -> None:
    with pytest.raises(LakeError, match="is partitioned"):
        lake.replace(DATA_QUALITY, quality({1: 1}))
    with pytest.raises(LakeError, match="has no partitions"):
        lake.replace_range(GRAPH_NODES, GRAPH_NODES.schema.empty_table(), date(2026, 1, 1), date(2026, 1, 1))


def test_a_file_address_is_a_local_lake(tmp_path: Path) -> None:
    Lake(f"file://{tmp_path}/with%20space").insert_if_absent(JUDGEMENTS, judgements("a"))
    assert Lake(str(tmp_path / "with space")).read(JUDGEMENTS).num_rows == 1


def test_times_keep_their_microseconds_and_zone(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))
    (known_time,) = lake.read(JUDGEMENTS)["known_time"].to_pylist()
    assert known_time == datetime(2026, 1, 2, tzinfo=UTC)
    assert lake.read(JUDGEMENTS).schema.field("known_time").type == pa.timestamp("us", tz="UTC")
