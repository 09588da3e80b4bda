"""Amounts as people and shops make them: heavy-tailed, and rounded in the way of the trade."""

import numpy as np

from risk_platform.transactions.simulator.ledger import Floats, Ints
from risk_platform.transactions.simulator.places import categories

ROUNDINGS = ("paise", "rupee", "ten", "hundred", "five_hundred", "ninety_nine")
_UNITS = np.array([1, 100, 1_000, 10_000, 50_000, 10_000])
_PEOPLE_UNITS = np.array([100, 1_000, 5_000, 10_000, 50_000, 100_000])
_PEOPLE_UNIT_SHARES = (0.22, 0.22, 0.14, 0.22, 0.14, 0.06)


def shop_amounts(category: Ints, scale: Floats, rng: np.random.Generator) -> Ints:
    """Paise paid in shops of `category` by customers whose habit is `scale` times the category's median."""
    table = categories()
    raw = (
        table.median_minor[category]
        * scale
        * np.exp(table.spread[category] * _heavy_normal(len(category), rng))
    )
    style = np.array([ROUNDINGS.index(name) for name in table.rounding])[category]
    unit = np.where((style == 5) & (raw < 60_000), 1_000, _UNITS[style])
    rounded = np.maximum(np.rint(raw / unit), 1).astype(np.int64) * unit
    return np.where((style == 5) & (rounded > 1_000), rounded - 100, rounded)


def people_amounts(median_minor: Floats, spread: float, rng: np.random.Generator) -> Ints:
    """Paise people send each other: mostly round, the coarser the larger."""
    raw = median_minor * np.exp(spread * _heavy_normal(len(median_minor), rng))
    unit = rng.choice(_PEOPLE_UNITS, len(raw), p=_PEOPLE_UNIT_SHARES)
    unit = np.where(unit > raw, 100, unit)
    rounded: Ints = np.maximum(np.rint(raw / unit), 1).astype(np.int64) * unit
    return rounded


def _heavy_normal(n: int, rng: np.random.Generator) -> Floats:
    """Standard normal draws of which one in fifty is stretched: one-off purchases far from the habit."""
    stretched = np.where(rng.random(n) < 0.02, 2.4, 1.0)
    return np.clip(rng.standard_normal(n) * stretched, -4.0, 4.5)
