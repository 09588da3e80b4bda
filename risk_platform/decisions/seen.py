"""What live decisions were made from, held against what the mart holds for the same payments."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.decisions.archive import Archive
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, PAYMENT_FEATURES, PAYMENT_KEY

_RELATIVE = 1e-9
_WANTED = [*PAYMENT_KEY, "bundle_hash", "feature_values"]


@dataclass
class Seen:
    """Live decisions of a day that a model made: how many, values compared, and values that differ by feature.

    A decision whose payment the mart lacks is `not_in_mart`.
    """

    decisions: int = 0
    not_in_mart: int = 0
    values_compared: int = 0
    mismatches: Counter[str] = field(default_factory=Counter)


def compare_seen(lake: Lake, archive: Archive, day: date) -> Seen:
    """Hold each value that the engine's decisions of the business day were made from against the mart.

    They differ where history became known to the lake that the engine never heard of.
    """
    seen = Seen()
    of_engine = (pc.field("event_date") == day) & (pc.field("decided_by") == "engine")
    decided = lake.read(DECISIONS, _WANTED, of_engine & pc.field("bundle_hash").is_valid())
    for bundle_hash in pc.unique(decided["bundle_hash"]).to_pylist():
        names = archive.bundle(bundle_hash).features
        rows = decided.filter(pc.field("bundle_hash") == bundle_hash).drop_columns(["bundle_hash"])
        mart = lake.read(PAYMENT_FEATURES, [*PAYMENT_KEY, *names], pc.field("event_date") == day)
        _count(seen, rows, mart, names)
    return seen


def _count(seen: Seen, decided: pa.Table, mart: pa.Table, names: tuple[str, ...]) -> None:
    at = decided.select(list(PAYMENT_KEY)).append_column("row", pa.array(np.arange(decided.num_rows)))
    paired = mart.join(at, list(PAYMENT_KEY), join_type="inner")
    values = np.array(decided["feature_values"].to_pylist(), dtype=np.float64).reshape(-1, len(names))
    held = np.column_stack([paired[name].to_numpy() for name in names]) if paired.num_rows else values[:0]
    own = values[paired["row"].to_numpy()]
    with np.errstate(invalid="ignore"):
        near = np.abs(own - held) <= _RELATIVE * np.maximum(np.abs(own), np.abs(held))
    same = near | (np.isnan(own) & np.isnan(held))
    seen.decisions += decided.num_rows
    seen.not_in_mart += decided.num_rows - paired.num_rows
    seen.values_compared += own.size
    seen.mismatches += Counter(
        {name: int(n) for name, n in zip(names, (~same).sum(axis=0), strict=True) if n}
    )
