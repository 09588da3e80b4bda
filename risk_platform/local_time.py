"""What the clocks of a time zone show, looked up in a short table of its changes."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
DAY_US = 86_400_000_000
_FIRST_YEAR, _LAST_YEAR = 1800, 2200


@lru_cache
def zone_offsets(timezone: str) -> tuple[Ints, Ints]:
    """Where each offset of an IANA zone begins (µs since 1970, ascending), and the offsets (µs east of UTC).

    The first one holds before 1800 as well, the last one after 2199: zones have rules for longer, but nobody knows
    them. Raises ArrowInvalid for a zone that the system's database does not have.
    """
    days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_LAST_YEAR}-01-01", dtype="datetime64[D]")
    moments = days.astype("datetime64[us]").astype(np.int64)
    offsets = _offsets(moments, timezone)
    changed = np.flatnonzero(np.diff(offsets))
    before, after = moments[changed], moments[changed + 1]
    # Halved until they stand beside each other: the last moment of the old offset, and the first of the new one.
    while (after - before > 1).any():
        middle = (before + after) // 2
        old = _offsets(middle, timezone) == offsets[changed]
        before, after = np.where(old, middle, before), np.where(old, after, middle)
    begins = np.concatenate([[np.iinfo(np.int64).min], after])
    return begins, offsets[np.concatenate([[0], changed + 1])]


def local_micros(moments: Ints, timezone: str) -> Ints:
    """What the zone's clocks show at `moments` (µs since 1970), as µs since they showed 1970."""
    begins, offsets = zone_offsets(timezone)
    local: Ints = moments + offsets[np.searchsorted(begins, moments, side="right") - 1]
    return local


def _offsets(moments: Ints, timezone: str) -> Ints:
    zoned = pa.array(moments).view(pa.timestamp("us", timezone))
    shown: Ints = pc.local_timestamp(zoned).view(pa.int64()).to_numpy() - moments
    return shown
