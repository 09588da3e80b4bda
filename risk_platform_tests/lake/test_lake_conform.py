"""What the registry refuses at the door of the lake, by the name of the column, and what it takes."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Inserted, Lake
from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS, PAYMENT_FEATURES
from risk_platform_tests.lake.rows import features, judgements, quality


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def _with(data: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return data.set_column(data.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (judgements("a").drop(["is_fraud", "judged_by"]), "is_fraud is missing; column judged_by is missing"),
        (judgements("a").append_column("mood", [["good"]]), "column mood is not in the registry"),
        (judgements("a").append_column("source", [["again"]]), "column source comes twice"),
        (_with(judgements("a"), "is_fraud", pa.array([1])), "column is_fraud is int64 and must be bool"),
        (_with(judgements("a"), "source", pa.array([None], pa.string())), "column source is null in 1 rows"),
        (
            _with(judgements("a"), "known_time", pa.array([datetime(2026, 1, 1)], pa.timestamp("us"))),  # noqa: DTZ001
            r"column known_time is timestamp\[us\] and must be timestamp\[us, tz=UTC\]",
        ),
        (
            _with(judgements("a"), "known_time", pa.array([1_000_001], pa.timestamp("ns", "UTC"))),
            "column known_time does not fit",
        ),
    ],
)
def test_data_that_breaks_the_registry_is_refused_by_name(lake: Lake, data: pa.Table, said: str) -> None:
    with pytest.raises(LakeError, match=said):
        lake.insert_if_absent(JUDGEMENTS, data)
    with pytest.raises(LakeError, match=said):
        lake.append_once(JUDGEMENTS, data, "drain", 1)
    assert not lake.exists(JUDGEMENTS)


def test_a_batch_in_the_middle_of_a_stream_stops_the_whole_write(lake: Lake) -> None:
    lake.replace_range(DATA_QUALITY, quality({1: 3}), date(2026, 1, 1), date(2026, 1, 1))
    torn = (
        quality({1: 1}).to_batches()
        + _with(quality({1: 1}), "observed", pa.nulls(1, pa.string())).to_batches()
    )
    stream = pa.RecordBatchReader.from_batches(DATA_QUALITY.schema, torn)
    with pytest.raises(LakeError, match="column observed is null in 1 rows"):
        lake.replace_range(DATA_QUALITY, stream, date(2026, 1, 1), date(2026, 1, 1))
    assert lake.version(DATA_QUALITY) == 0
    assert lake.read(DATA_QUALITY).num_rows == 3


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("source", pa.array(["shop"], pa.large_string())),
        ("source", pa.array(["shop"], pa.string_view())),
        ("source", pa.array(["shop"]).dictionary_encode()),
        ("confidence", pa.nulls(1)),
        ("confidence", pa.array([0.5], pa.float32())),
        ("known_time", pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "Asia/Kolkata"))),
    ],
)
def test_another_writing_of_the_same_value_is_taken(lake: Lake, name: str, values: pa.Array) -> None:
    assert lake.insert_if_absent(JUDGEMENTS, _with(judgements("a"), name, values)) == Inserted(1, 0)
    assert lake.read(JUDGEMENTS).schema == JUDGEMENTS.schema


def test_columns_may_come_in_any_order(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a").select(sorted(JUDGEMENTS.column_names)))
    assert lake.read(JUDGEMENTS).schema.names == list(JUDGEMENTS.column_names)


@pytest.mark.parametrize(
    ("value", "said"), [("text", "column mood is string and must be double"), (1, "int64")]
)
def test_open_columns_are_doubles(lake: Lake, value: Any, said: str) -> None:
    day = date(2026, 1, 1)
    data = features(1).append_column("mood", pa.array([value]))
    with pytest.raises(LakeError, match=said):
        lake.replace_range(PAYMENT_FEATURES, data, day, day)


def test_a_version_that_never_was_is_refused(lake: Lake) -> None:
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))
    with pytest.raises(LakeError, match="Lake table judgements was not opened: "):
        lake.read(JUDGEMENTS, version=7)
