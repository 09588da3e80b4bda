"""Cities and merchant categories: the two data tables the simulated country is made of."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from risk_platform.transactions.simulator.ledger import Floats, Ints

# Share of a day's activity per hour of the Indian clock, 0 to 23; nights are quiet but never empty.
_PROFILES = {
    "any": "3 2 1 1 1 2 8 18 30 42 50 52 52 48 46 46 50 56 62 64 60 46 24 9",
    "morning": "1 1 1 2 8 30 70 90 80 60 40 26 20 15 14 18 30 42 40 30 18 8 3 1",
    "day": "1 0 0 0 1 4 14 28 46 62 70 68 60 48 44 50 62 76 84 78 56 28 8 2",
    "meal": "4 2 1 1 1 3 10 26 40 36 32 44 76 80 50 36 44 52 56 70 84 66 30 11",
    "evening": "2 1 0 0 0 1 3 8 16 28 42 52 54 46 42 46 60 78 92 92 66 34 12 4",
    "commute": "3 2 1 1 2 8 26 56 84 78 52 42 40 38 38 42 56 80 92 80 54 36 18 8",
    "office": "2 1 1 1 1 2 6 14 34 74 94 96 84 62 60 66 66 56 42 32 24 16 9 4",
    "late": "16 8 4 2 2 3 8 16 26 36 42 46 50 48 46 46 48 52 60 72 84 88 66 36",
}
PROFILES = tuple(_PROFILES)


@dataclass(frozen=True)
class Cities:
    """The cities, by position: `names`, `countries`, coordinates in degrees (WGS 84) and relative size."""

    names: tuple[str, ...]
    countries: tuple[str, ...]
    latitude: Floats
    longitude: Floats
    weight: Floats

    @property
    def at_home(self) -> Ints:
        """Positions of the Indian cities."""
        return np.flatnonzero(np.array(self.countries) == "IN")

    @property
    def abroad(self) -> Ints:
        return np.flatnonzero(np.array(self.countries) != "IN")


@dataclass(frozen=True)
class Categories:
    """The merchant categories, by position: ISO 18245 code and habits of payment."""

    mccs: tuple[str, ...]
    weight: Floats
    median_minor: Floats
    spread: Floats
    profile: Ints
    online_share: Floats
    card_share: Floats
    rounding: tuple[str, ...]

    def position(self, mcc: str) -> int:
        return self.mccs.index(mcc)


@cache
def cities() -> Cities:
    """The shipped city table."""
    rows = _rows("cities.csv")
    return Cities(
        tuple(row["city"] for row in rows),
        tuple(row["country"] for row in rows),
        np.array([float(row["latitude"]) for row in rows]),
        np.array([float(row["longitude"]) for row in rows]),
        np.array([float(row["weight"]) for row in rows]),
    )


@cache
def categories() -> Categories:
    """The shipped table of merchant categories."""
    rows = _rows("categories.csv")
    return Categories(
        tuple(row["mcc"] for row in rows),
        np.array([float(row["weight"]) for row in rows]),
        np.array([float(row["median_rupees"]) * 100 for row in rows]),
        np.array([float(row["spread"]) for row in rows]),
        np.array([PROFILES.index(row["profile"]) for row in rows]),
        np.array([float(row["online_share"]) for row in rows]),
        np.array([float(row["card_share"]) for row in rows]),
        tuple(row["rounding"] for row in rows),
    )


def _rows(name: str) -> list[dict[str, str]]:
    folder = resources.files("risk_platform.transactions.simulator").joinpath("data")
    return list(csv.DictReader(folder.joinpath(name).read_text("utf-8").splitlines()))


@cache
def _hour_ladder() -> Floats:
    """Cumulated hour shares of every profile, the k-th shifted by k, so that one search serves all."""
    shares = np.array([[float(share) for share in text.split()] for text in _PROFILES.values()])
    ladder = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    ladder[:, -1] = 1.0
    steps: Floats = ladder + np.arange(len(shares), dtype=np.float64)[:, None]
    return steps.ravel()


def clock_times(profile: Ints, rng: np.random.Generator) -> Ints:
    """Milliseconds after Indian midnight, drawn from each payment's hour profile (position in PROFILES)."""
    step = np.searchsorted(_hour_ladder(), profile + rng.random(len(profile)), side="right")
    hour = np.minimum(step - 24 * profile, 23)
    milliseconds: Ints = ((hour + rng.random(len(profile))) * 3_600_000).astype(np.int64)
    return milliseconds
