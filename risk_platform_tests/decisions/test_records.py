import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.decisions.levels import LEVELS, Advice, Thresholds, shipped_advice
from risk_platform.decisions.records import Decided, Hashes, decision_rows
from risk_platform.decisions.rules.columns import Features, Seen, as_batch
from risk_platform.lake.tables import DECISIONS

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
THRESHOLDS = Thresholds(0.5, 0.7, 0.9, 0.75, shipped_advice())
NO_VALUES = Features((), np.empty((0, 0)))

numbers = st.lists(st.one_of(st.none(), st.floats(-9, 9)), min_size=3, max_size=3)
texts = st.lists(st.sampled_from(["R-AMOUNT", "R-प", "shadow:night", ""]), max_size=3)
rows = st.fixed_dictionaries(
    {
        "transaction_id": st.text("aé ₹", min_size=1, max_size=5),
        "sequence": st.one_of(st.none(), st.integers(1, 2**40)),
        "probability": st.one_of(st.none(), st.floats(0, 1)),
        "score": st.floats(0, 1),
        "margin": st.one_of(st.none(), st.floats(-9, 9)),
        "rank": st.integers(0, 3),
        "asked": st.integers(0, 3),
        "alerted": st.booleans(),
        "degraded_reason": st.one_of(st.none(), st.sampled_from(["no bundle", "features are missing: ü"])),
        "feature_values": numbers,
        "rule_values": numbers,
        "attributions": st.one_of(st.none(), numbers),
        "reason_codes": texts,
        "rule_hits": texts,
    }
)


def payments(stated: list[dict[str, Any]]) -> pa.Table:
    count = len(stated)
    return pa.table(
        {
            "source": pa.array(["test"] * count, pa.string()),
            "transaction_id": pa.array([row["transaction_id"] for row in stated], pa.string()),
            "sequence": pa.array([row["sequence"] for row in stated], pa.int64()),
            "event_time": pa.array(
                [NOON + timedelta(hours=at) for at in range(count)], pa.timestamp("us", "UTC")
            ),
            "event_date": pa.array([date(2026, 3, 20) + timedelta(at) for at in range(count)], pa.date32()),
        }
    )


def matrix(stated: list[list[float | None]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(stated, dtype=np.float64).reshape(-1, 3)


def decided(stated: list[dict[str, Any]], hashes: Hashes) -> Decided:
    def column(name: str, kind: type) -> Any:
        return np.array([row[name] for row in stated], dtype=kind)

    return Decided(
        margins=column("margin", float),
        probabilities=column("probability", float),
        scores=column("score", float),
        ranks=column("rank", np.intp),
        advice=column("asked", np.intp),
        alerted=column("alerted", np.bool_),
        why_not=[row["degraded_reason"] for row in stated],
        feature_values=matrix([row["feature_values"] for row in stated]),
        rule_values=matrix([row["rule_values"] for row in stated]),
        explained=np.array([row["attributions"] is not None for row in stated], dtype=np.bool_),
        attributions=matrix([row["attributions"] for row in stated if row["attributions"] is not None]),
        reason_codes=[row["reason_codes"] or None for row in stated],
        hits=[row["rule_hits"] or None for row in stated],
        hashes=hashes,
        features_version=-1,
        decided_time=NOON,
        decided_by="engine",
    )


def plainly(stated: list[dict[str, Any]], hashes: Hashes) -> pa.Table:
    """The rows made of Python's values by Arrow."""
    base = hashlib.sha256(f"{hashes.bundle}\x1f{hashes.rules}\x1f{hashes.thresholds}".encode()).digest()
    advices = list(Advice)
    of_level = [advices.index(each) for each in THRESHOLDS.advice]
    keys = payments(stated).to_pylist()
    made = {
        "decided_time": NOON,
        "decided_by": "engine",
        "features_version": -1,
        "bundle_hash": hashes.bundle,
        "rules_hash": hashes.rules,
        "thresholds_hash": hashes.thresholds,
    }
    told = [
        row
        | key
        | made
        | {
            "decision_id": hashlib.sha256(base + f"\x1ftest\x1f{row['transaction_id']}".encode()).hexdigest()[
                :32
            ],
            "level": LEVELS[row["rank"]],
            "advice": advices[max(of_level[row["rank"]], row["asked"])],
        }
        for row, key in zip(stated, keys, strict=True)
    ]
    return pa.Table.from_pylist(told, DECISIONS.schema)


@given(st.lists(rows, max_size=20), st.sampled_from([None, "b" * 64]))
@settings(deadline=None)
def test_rows_are_those_that_arrow_makes_of_plain_values(
    stated: list[dict[str, Any]], bundle: str | None
) -> None:
    hashes = Hashes(bundle, "r" * 64, "t" * 64)
    made = decision_rows(Seen(payments(stated), NO_VALUES), decided(stated, hashes), THRESHOLDS)
    made.validate(full=True)
    assert pa.Table.from_batches([made]).equals(plainly(stated, hashes))


@given(st.lists(rows, min_size=3, max_size=20))
@settings(deadline=None)
def test_rows_of_a_part_are_the_part_of_the_rows(stated: list[dict[str, Any]]) -> None:
    hashes = Hashes("b" * 64, "r" * 64, "t" * 64)
    part = payments(stated).slice(2)
    made = decision_rows(Seen(part, NO_VALUES), decided(stated[2:], hashes), THRESHOLDS)
    assert pa.Table.from_batches([made]).equals(plainly(stated, hashes).slice(2))


def test_a_table_in_pieces_is_one_batch() -> None:
    table = pa.table({"a": [1, 2, 3]})
    assert as_batch(pa.concat_tables([table.slice(1, 2), table])).to_pydict() == {"a": [2, 3, 1, 2, 3]}
    assert as_batch(table.slice(3)).num_rows == 0
