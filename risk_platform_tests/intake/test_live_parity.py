"""What the lake computes for live payments is what the engine saw: order of knowledge is order of the inbox."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from risk_platform.decisions.archive import Archive
from risk_platform.decisions.seen import compare_seen
from risk_platform.features.build import build_features
from risk_platform.features.parity import replay
from risk_platform.home import Home
from risk_platform.intake.draining import InboxDrain
from risk_platform.intake.process import Running
from risk_platform.lake.contract import build_transactions
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import DECISIONS, JUDGEMENTS, PAYMENT_FEATURES, RAW_TRANSACTIONS
from risk_platform.models.bundle import Bundle
from risk_platform.settings import Settings
from risk_platform_tests.intake.conftest import StartEngine
from risk_platform_tests.intake.events import NOW, payment

LIVE_DAY, DAYS = NOW.date(), 20
FIRST_DAY = LIVE_DAY - timedelta(days=DAYS)


def history(lake: Lake) -> None:
    """Ten payments a day of the same customers, a fraud among them reported on the last day."""
    began = NOW - timedelta(days=DAYS)
    rows = [
        payment(at, transaction_id=f"H{at}", event_time=began + timedelta(hours=2 * at + 1, seconds=at))
        | {"file_id": "f", "source_line": at, "partition": 0}
        for at in range(12 * (DAYS - 1))
    ]
    for row in rows:
        row["event_date"] = (row["event_time"] + timedelta(hours=5, minutes=30)).date()
        row["known_time"] = row["event_time"]
    lake.insert_if_absent(RAW_TRANSACTIONS, pa.Table.from_pylist(rows, RAW_TRANSACTIONS.schema))
    known = NOW - timedelta(days=2)
    verdict = {"source": "upi", "transaction_id": "H30", "is_fraud": True, "judged_by": "chargeback"}
    told = [verdict | {"judgement_id": "J", "known_time": known}]
    lake.insert_if_absent(JUDGEMENTS, pa.Table.from_pylist(told, JUDGEMENTS.schema))
    build_transactions(lake, FIRST_DAY, LIVE_DAY, now=NOW)


def live(running: Running) -> int:
    """Payments out of their order, some late and some of one instant, with reports between them."""
    rng = np.random.default_rng(5)
    count = 0
    for batch in range(6):
        hours = rng.uniform(0, 20, 15)
        hours[3] = hours[4]
        events = [
            payment(count + at, transaction_id=f"L{count + at}", event_time=_before(float(back)))
            for at, back in enumerate(hours)
        ]
        events[1]["amount_minor"] = 7_000_000
        running.engine.submit("payment", events).result(60)
        count += len(events)
        about = f"L{batch * 15 + 1}" if batch % 2 else f"H{40 + batch}"
        running.engine.submit("judgement", [
            {"judgement_id": f"R{batch}", "source": "upi", "transaction_id": about, "is_fraud": True,
             "judged_by": "customer"},
        ]).result(60)  # fmt: skip
    return count


def _before(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).replace(microsecond=0).isoformat()


@pytest.mark.long
def test_the_mart_holds_what_the_engine_saw(
    installation: Settings, home: Home, start: StartEngine, model: Bundle, tmp_path: Path
) -> None:
    lake = Lake(str(home.root / "lake"))
    history(lake)
    with start() as running:
        count = live(running)
        drain = InboxDrain(running.store, lake)
        drain.drain_events()
        drain.drain_decisions(NOW)
    days = LIVE_DAY - timedelta(days=1), LIVE_DAY
    build_transactions(lake, *days, now=NOW)
    maturity, zone = installation.label_maturity, installation.timezone
    build_features(
        lake,
        from_date=days[0],
        to_date=days[1],
        label_maturity=maturity,
        timezone=zone,
        work_dir=tmp_path / "dbt",
    )
    found = replay(lake, from_date=days[0], to_date=days[1], label_maturity=maturity, timezone=zone)
    assert found.mismatches == {}, found.examples
    assert lake.read(DECISIONS).num_rows == count
    archive = Archive.of(home)
    seen = [compare_seen(lake, archive, day) for day in days]
    assert sum(each.decisions for each in seen) == count
    assert sum(each.values_compared for each in seen) == count * len(model.features)
    assert sum(each.not_in_mart for each in seen) == 0
    assert sum((each.mismatches for each in seen), Counter()) == {}
    change_a_value(lake, days)
    changed = sum((compare_seen(lake, archive, day).mismatches for day in days), Counter())
    assert changed == {"amount": 1}


def change_a_value(lake: Lake, days: tuple[date, date]) -> None:
    """One value of one live payment in the mart becomes another."""
    rows = pl.DataFrame(lake.read(PAYMENT_FEATURES))
    other = pl.when(pl.col("transaction_id") == "L7").then(pl.col("amount") + 1).otherwise(pl.col("amount"))
    lake.replace_range(PAYMENT_FEATURES, rows.with_columns(other.alias("amount")).to_arrow(), *days)
