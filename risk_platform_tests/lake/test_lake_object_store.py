"""The same lake on an S3-compatible server: every verb, with nothing but other options."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa
import pytest

from risk_platform.errors import LakeError
from risk_platform.lake.lake import Inserted, Lake
from risk_platform.lake.tables import DATA_QUALITY, JUDGEMENTS
from risk_platform_tests.lake.rows import judgements, quality
from risk_platform_tests.lake.s3_server import s3_server
from risk_platform_tests.services import require_service

_FROM, _TO = date(2026, 1, 1), date(2026, 1, 3)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    require_service("s3")
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as options:
        yield options


def test_every_verb_works_on_an_object_store(options: dict[str, str]) -> None:
    lake = Lake("s3://bucket/verbs", options)
    assert lake.version(JUDGEMENTS) == -1
    assert lake.insert_if_absent(JUDGEMENTS, judgements("a", "b", "a")) == Inserted(2, 1)
    assert lake.insert_if_absent(JUDGEMENTS, judgements("b", "c")) == Inserted(1, 1)
    assert lake.append_once(JUDGEMENTS, judgements("d"), "drain", 1)
    assert not lake.append_once(JUDGEMENTS, judgements("d"), "drain", 1)
    lake.replace_range(DATA_QUALITY, quality({1: 2, 2: 2}), _FROM, _TO)
    lake.replace_range(DATA_QUALITY, quality({2: 1}), _FROM, _TO)
    with lake.connect() as session:
        counts = "SELECT (SELECT count(*) FROM judgements), (SELECT count(*) FROM data_quality)"
        assert session.execute(counts).fetchall() == [(4, 1)]
    assert lake.read(DATA_QUALITY, version=0).num_rows == 4
    assert (lake.compact(JUDGEMENTS), lake.vacuum(JUDGEMENTS, timedelta(0))) == (3, 3)
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b", "c", "d"]


def test_a_writer_that_is_overtaken_is_refused_there_too(options: dict[str, str]) -> None:
    lake = Lake("s3://bucket/rivals", options)
    lake.insert_if_absent(JUDGEMENTS, judgements("a"))

    def overtaken() -> Iterator[pa.RecordBatch]:
        Lake("s3://bucket/rivals", options).insert_if_absent(JUDGEMENTS, judgements("b"))
        yield from judgements("b", "c").to_batches()

    stream = pa.RecordBatchReader.from_batches(JUDGEMENTS.schema, overtaken())
    with pytest.raises(LakeError, match="another writer committed first"):
        lake.insert_if_absent(JUDGEMENTS, stream)
    assert sorted(lake.read(JUDGEMENTS)["judgement_id"].to_pylist()) == ["a", "b"]


def test_a_missing_bucket_is_one_sentence(options: dict[str, str]) -> None:
    with pytest.raises(LakeError, match=r"^Lake table judgements was not [a-z]+: [^\n]*bucket[^\n]*\.$"):
        Lake("s3://no-such-bucket/lake", options).insert_if_absent(JUDGEMENTS, judgements("a"))
