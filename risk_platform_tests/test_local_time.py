"""Local clocks from the table of a zone's changes: equal to Python's own database of zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.local_time import DAY_US, local_micros, zone_offsets

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ZONES = ("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "UTC")


def shown(micros: int, zone: str) -> int:
    clock = (EPOCH + micros * MICROSECOND).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return (clock - EPOCH) // MICROSECOND


@given(
    st.lists(st.integers(365 * DAY_US, 24_000 * DAY_US), min_size=1, max_size=20),
    st.sampled_from(ZONES),
)
def test_clocks_show_what_python_says(moments: list[int], zone: str) -> None:
    found = local_micros(np.array(moments, np.int64), zone).tolist()
    assert found == [shown(moment, zone) for moment in moments]


@pytest.mark.parametrize("zone", ZONES)
def test_clocks_change_at_the_very_microsecond(zone: str) -> None:
    begins, _ = zone_offsets(zone)
    changes = begins[(begins > 365 * DAY_US) & (begins < 24_000 * DAY_US)]
    around = np.concatenate([changes - 1, changes])
    assert local_micros(around, zone).tolist() == [shown(moment, zone) for moment in around.tolist()]


def test_the_zones_tables_are_short() -> None:
    assert [len(zone_offsets(zone)[0]) for zone in ("UTC", "Asia/Kolkata")] == [1, 8]
