"""Times in every writing a source may use."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.transactions.mapping import ColumnMapping
from risk_platform.transactions.times import to_dates, to_instants


def instant_of(value: object, **options: object) -> datetime | None:
    column = ColumnMapping.model_validate({"column": "t", **options})
    found = to_instants(pl.Series([value]), column)
    assert found.dtype == pl.Datetime("us", "UTC")
    result: datetime | None = found[0]
    return result


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("written", "options", "instant"),
    [
        ("2024-02-29 10:11:12", {}, utc(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29T10:11:12.25", {}, utc(2024, 2, 29, 10, 11, 12, 250_000)),
        ("2024-02-29T10:11:12Z", {}, utc(2024, 2, 29, 10, 11, 12)),
        ("2024-02-29T10:11:12+05:30", {"timezone": "America/New_York"}, utc(2024, 2, 29, 4, 41, 12)),
        ("2024-02-29 10:11", {"timezone": "Asia/Kolkata"}, utc(2024, 2, 29, 4, 41)),
        ("2024-02-29", {"timezone": "Asia/Kolkata"}, utc(2024, 2, 28, 18, 30)),
        ("2024-02-30", {}, None),
        ("yesterday", {}, None),
        ("29/02/2024 5:07 PM", {"format": "%d/%m/%Y %I:%M %p"}, utc(2024, 2, 29, 17, 7)),
        ("1/2/2024 03:04", {"format": ["%Y-%m-%d", "%d/%m/%Y %H:%M"]}, utc(2024, 2, 1, 3, 4)),
        ("2024-02-29 10:11:12.000123", {"format": "%Y-%m-%d %H:%M:%S.%f"}, utc(2024, 2, 29, 10, 11, 12, 123)),
        (1_709_201_472, {"unit": "s"}, utc(2024, 2, 29, 10, 11, 12)),
        ("1709201472", {"unit": "s"}, utc(2024, 2, 29, 10, 11, 12)),
        ("1709201472.5", {"unit": "s"}, utc(2024, 2, 29, 10, 11, 12, 500_000)),
        (1_709_201_472_123, {"unit": "ms"}, utc(2024, 2, 29, 10, 11, 12, 123_000)),
        (1_709_201_472_123_456_789, {"unit": "ns"}, utc(2024, 2, 29, 10, 11, 12, 123_456)),
        (1.5, {"unit": "d", "origin": "2017-01-01"}, utc(2017, 1, 2, 12)),
        (743, {"unit": "h", "origin": "2017-01-01"}, utc(2017, 1, 31, 23)),
        (10**18, {"unit": "d"}, None),
        ("NaN", {"unit": "s"}, None),
        (date(2024, 2, 29), {"timezone": "Asia/Kolkata"}, utc(2024, 2, 28, 18, 30)),
        (datetime(2024, 2, 29, 10), {"timezone": "Asia/Kolkata"}, utc(2024, 2, 29, 4, 30)),  # noqa: DTZ001
        # Of an hour that comes twice the first is meant; one that is skipped never was.
        ("2024-11-03 01:30:00", {"timezone": "America/New_York"}, utc(2024, 11, 3, 5, 30)),
        ("2024-03-10 02:30:00", {"timezone": "America/New_York"}, None),
    ],
)
def test_instants(written: object, options: dict[str, object], instant: datetime | None) -> None:
    assert instant_of(written, **options) == instant


def test_one_column_may_mix_writings() -> None:
    values = pl.Series(["2024-01-01", "2024-01-01T05:00:00Z", None, "x"])
    found = to_instants(values, ColumnMapping(column="t"))
    assert found.to_list() == [utc(2024, 1, 1), utc(2024, 1, 1, 5), None, None]


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_iso_text_and_epochs_name_the_same_instant(moment: datetime) -> None:
    microseconds = (moment - utc(1970, 1, 1)) // timedelta(microseconds=1)
    assert instant_of(moment.isoformat(" "), timezone="UTC") == moment
    assert instant_of(microseconds, unit="us") == moment


def test_dates() -> None:
    column = ColumnMapping(column="d", format="%d.%m.%Y")
    assert to_dates(pl.Series(["01.02.2024", "31.02.2024"]), column).to_list() == [date(2024, 2, 1), None]
    assert to_dates(pl.Series(["2024-02-01"]), ColumnMapping(column="d")).to_list() == [date(2024, 2, 1)]
