"""What goes into the lake, what stays out and why, and that nothing is counted twice."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_platform.lake.ingest import IngestReport, ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import (
    INGESTED_FILES,
    JUDGEMENTS,
    OUTCOMES,
    PARTIES,
    QUARANTINE,
    RAW_TRANSACTIONS,
    TABLES,
)
from risk_platform.transactions.mapping import SourceMapping, load_mapping, parse_mapping
from risk_platform.transactions.marked_yaml import parse_yaml

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = """source: shop
columns:
  transaction_id: id
  event_time: {column: time, timezone: UTC}
  customer_id: payer
  counterparty_id: payee
  amount: amount
  is_fraud: fraud
constants: {channel: UPI}
label_delay: 3d
"""
HEADER = "id,time,payer,payee,amount,fraud\n"
ROW = "p{0},2026-01-0{0} 20:00:00,alice,shop-{0},{0}.50,0\n"

Ingest = Callable[..., IngestReport]


def mapping_of(text: str) -> SourceMapping:
    return parse_mapping(parse_yaml(text, "shop.yaml"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def ingest(lake: Lake, tmp_path: Path) -> Ingest:
    """Ingests a text under a mapping, by default payments of the shop."""

    def take_in(content: str, mapping: SourceMapping | None = None, name: str = "file.csv") -> IngestReport:
        path = tmp_path / name
        path.write_text(content, "utf-8")
        return ingest_into(lake, path, mapping or mapping_of(SHOP))

    return take_in


def ingest_into(lake: Lake, path: Path, mapping: SourceMapping) -> IngestReport:
    return ingest_file(
        lake, path, mapping, timezone="Asia/Kolkata", label_maturity=timedelta(days=7), now=NOW
    )


def quarantined(lake: Lake) -> list[tuple[int, str, str | None, str | None]]:
    rows = lake.read(QUARANTINE, columns=["source_line", "rule", "column", "value"]).to_pylist()
    return sorted((row["source_line"], row["rule"], row["column"], row["value"]) for row in rows)


def test_a_payment_enters_the_lake_as_its_source_wrote_it(ingest: Ingest, lake: Lake) -> None:
    report = ingest(HEADER + ROW.format(1))
    assert report == IngestReport(1, 1)
    (row,) = lake.read(RAW_TRANSACTIONS).to_pylist()
    moment = datetime(2026, 1, 1, 20, tzinfo=UTC)
    expected = {
        "source": "shop",
        "transaction_id": "p1",
        "partition": 71,
        "event_time": moment,
        # 20:00 in London is half past one of the next day in Kolkata.
        "event_date": date(2026, 1, 2),
        "known_time": moment,
        "kind": "purchase",
        "status": "completed",
        "customer_id": "alice",
        "counterparty_id": "shop-1",
        "amount_minor": 150,
        "currency": "INR",
        "channel": "UPI",
        "source_line": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["sequence"] is None
    (file,) = lake.read(INGESTED_FILES).to_pylist()
    assert (file["file_id"], file["file_name"], file["mapping"]) == (row["file_id"], "file.csv", "shop.yaml")
    assert (file["read"], file["accepted"], file["quarantined"], file["duplicates"]) == (1, 1, 0, 0)


def test_a_bad_row_is_quarantined_with_rule_value_and_line(ingest: Ingest, lake: Lake) -> None:
    bad = [
        ",2026-01-01,alice,s,1.00,0",
        "p3,yesterday,alice,s,1.00,0",
        "p4,2026-01-01,alice,s,NaN,0",
        "p5,2026-01-01,alice,s,inf,0",
        "p6,2026-01-01,alice,s,-1.00,0",
        "p7,2026-01-01,alice,s,1e300,0",
        "p8,2026-01-01,alice,s,9999999999999.00,0",
        "p9,2026-01-01,alice,s,1.001,0",
        "p10,2026-03-03,alice,s,1.00,0",
        "p11,2026-01-01,al\x07ice,s,1.00,0",
        "p12,2026-01-01,alice,s,1.00",
        "p13,2026-01-01,,s,1.00,0",
        "p14,2026-01-01,alice,s,,0",
        "p15,2026-01-01,alice,s,1.00,perhaps",
        "p16,1917-01-01,alice,s,1.00,0",
    ]
    report = ingest(HEADER + ROW.format(1) + "\n".join(bad) + "\n" + ROW.format(2))
    assert (report.read, report.accepted, report.duplicates) == (17, 2, 0)
    assert report.quarantined == dict(Counter(rule for _, rule, _, _ in quarantined(lake)))
    assert quarantined(lake) == [
        (2, "transaction_id_given", "transaction_id", None),
        (3, "event_time_unreadable", "event_time", "yesterday"),
        (4, "amount_not_finite", "amount", "NaN"),
        (5, "amount_not_finite", "amount", "inf"),
        (6, "amount_in_range", "amount_minor", "-1.00"),
        (7, "amount_too_large", "amount", "1e300"),
        (8, "amount_in_range", "amount_minor", "9999999999999.00"),
        (9, "amount_too_precise", "amount", "1.001"),
        (10, "event_time_not_future", "event_time", "2026-03-03"),
        (11, "customer_id_not_empty", "customer_id", "al\x07ice"),
        (12, "row_ragged", None, "p12,2026-01-01,alice,s,1.00"),
        (13, "customer_id_given", "customer_id", None),
        (14, "amount_minor_given", "amount_minor", None),
        (15, "is_fraud_unreadable", "is_fraud", "perhaps"),
        (16, "event_time_plausible", "event_time", "1917-01-01"),
    ]
    (first, *_) = lake.read(QUARANTINE, filter=pc.field("source_line") == 3).to_pylist()
    assert (first["transaction_id"], first["source"], first["record_kind"]) == ("p3", "shop", "payments")
    assert first["quarantined_time"] == NOW


def test_a_giant_value_is_quarantined_cut_to_200_characters(ingest: Ingest, lake: Lake) -> None:
    giant = "x" * (10 << 20)
    report = ingest(HEADER + ROW.format(1) + f"p9,2026-01-01,{giant},s,1.00,0\n" + ROW.format(2))
    assert (report.accepted, report.quarantined) == (2, {"row_overlong": 1})
    assert quarantined(lake) == [(2, "row_overlong", None, ("p9,2026-01-01," + giant)[:200])]


def test_a_long_identifier_is_quarantined_cut_to_200_characters(ingest: Ingest, lake: Lake) -> None:
    ingest(HEADER + f"p9,2026-01-01,{'x' * 300},s,1.00,0\n")
    assert quarantined(lake) == [(1, "customer_id_short", "customer_id", "x" * 200)]


def test_the_same_file_twice_adds_nothing_and_says_so(ingest: Ingest, lake: Lake) -> None:
    content = HEADER + ROW.format(1) + "p2,never,alice,s,1.00,0\n"
    ingest(content)
    versions = {table.name: lake.version(table) for table in TABLES}
    assert ingest(content, name="other_name.csv") == IngestReport(2, 0, {}, 2, already_ingested=True)
    assert {table.name: lake.version(table) for table in TABLES} == versions


def test_duplicates_within_and_across_files(ingest: Ingest, lake: Lake) -> None:
    first = ingest(HEADER + ROW.format(1) + ROW.format(2) + ROW.format(1))
    assert first == IngestReport(3, 2, {}, 1)
    second = ingest(HEADER + ROW.format(3) + ROW.format(2) + ROW.format(3) + ROW.format(3))
    assert second == IngestReport(4, 1, {}, 3)
    assert lake.read(RAW_TRANSACTIONS).num_rows == 3


def test_the_same_key_with_another_body_is_quarantined_and_the_first_kept(ingest: Ingest, lake: Lake) -> None:
    other = ROW.format(1).replace("1.50", "9.99")
    assert ingest(HEADER + ROW.format(1) + other) == IngestReport(2, 1, {"conflicting_body": 1})
    changed = ROW.format(1).replace("alice", "bob")
    assert ingest(HEADER + changed + ROW.format(2)) == IngestReport(2, 1, {"conflicting_body": 1})
    assert quarantined(lake) == [
        (1, "conflicting_body", "customer_id", "bob"),
        (2, "conflicting_body", "amount_minor", "999"),
    ]
    assert sorted(lake.read(RAW_TRANSACTIONS)["amount_minor"].to_pylist()) == [150, 250]


def test_a_label_becomes_a_judgement_known_label_delay_later(ingest: Ingest, lake: Lake) -> None:
    fraud = ROW.format(1).replace(",0\n", ",1\n")
    ingest(HEADER + fraud + ROW.format(2))
    (judgement,) = lake.read(JUDGEMENTS).to_pylist()
    assert judgement == {
        "judgement_id": "shop:p1:label",
        "source": "shop",
        "transaction_id": "p1",
        "is_fraud": True,
        "known_time": datetime(2026, 1, 4, 20, tzinfo=UTC),
        "judged_by": "chargeback",
        "confidence": None,
    }


def test_a_label_that_comes_with_a_later_file_is_learned_once(ingest: Ingest, lake: Lake) -> None:
    ingest(HEADER + ROW.format(1))
    assert ingest(HEADER + ROW.format(1).replace(",0\n", ",1\n")) == IngestReport(1, 0, {}, 1)
    assert lake.read(JUDGEMENTS)["transaction_id"].to_pylist() == ["p1"]


def test_a_reported_time_wins_over_the_delay(ingest: Ingest, lake: Lake) -> None:
    mapping = mapping_of(SHOP.replace("  is_fraud: fraud", "  is_fraud: fraud\n  reported_time: reported"))
    content = (
        HEADER.replace("fraud", "fraud,reported")
        + "p1,2026-01-01,a,s,1,1,2026-02-02\np2,2026-01-01,a,s,1,1,\n"
    )
    ingest(content, mapping)
    times = {row["transaction_id"]: row["known_time"] for row in lake.read(JUDGEMENTS).to_pylist()}
    assert times == {"p1": datetime(2026, 2, 2, tzinfo=UTC), "p2": datetime(2026, 1, 4, tzinfo=UTC)}


def test_one_lake_has_one_currency(ingest: Ingest, lake: Lake) -> None:
    mapping = mapping_of(SHOP.replace("  is_fraud: fraud", "  is_fraud: fraud\n  currency: cur"))
    header = HEADER.replace("fraud", "fraud,cur")
    first = ingest(
        header + "p1,2026-01-01,a,s,1,0,EUR\np2,2026-01-01,a,s,1,0,USD\np3,2026-01-01,a,s,1,0,XXQ\n", mapping
    )
    assert first == IngestReport(3, 1, {"currency_known": 1, "currency_of_lake": 1})
    assert ingest(header + "p4,2026-01-01,a,s,1,0,INR\n", mapping) == IngestReport(
        1, 0, {"currency_of_lake": 1}
    )


def test_judgements_wait_for_their_payments(ingest: Ingest, lake: Lake) -> None:
    mapping = load_mapping("canonical_judgements")
    header = "source,transaction_id,is_fraud,known_time,judged_by\n"
    judgements = header + "shop,p1,true,2026-02-01,analyst\nshop,p2,false,2026-02-01,customer\n"
    ingest(HEADER + ROW.format(1))
    assert ingest(judgements, mapping) == IngestReport(2, 1, {"unknown_payment": 1})
    assert quarantined(lake) == [(2, "unknown_payment", "transaction_id", "p2")]
    ingest(HEADER + ROW.format(2))
    assert ingest(judgements, mapping) == IngestReport(2, 1, {}, 1)
    assert lake.read(JUDGEMENTS).num_rows == 2


def test_outcomes_and_parties_come_in_the_same_way(ingest: Ingest, lake: Lake) -> None:
    ingest(HEADER + ROW.format(1))
    outcomes = (
        "source,transaction_id,outcome,known_time\nshop,p1,reversed,2026-02-01\nshop,p1,vanished,2026-02-01\n"
    )
    assert ingest(outcomes, load_mapping("canonical_outcomes")) == IngestReport(2, 1, {"outcome_known": 1})
    (outcome,) = lake.read(OUTCOMES).to_pylist()
    assert outcome["outcome_id"] == "shop:p1:reversed:20260201T000000.000000"
    parties = "party_id,kind,age_band,opened_date,valid_from\nalice,person,60+,2011-05-06,2026-01-01\n"
    parties += "alice,person,60+,2011-05-06,2026-01-01\nalice,person,30-39,2011-05-06,2026-01-01\n"
    assert ingest(parties, load_mapping("canonical_parties")) == IngestReport(
        3, 1, {"conflicting_body": 1}, 1
    )
    (party,) = lake.read(PARTIES).to_pylist()
    assert (party["opened_date"], party["known_time"]) == (date(2011, 5, 6), datetime(2026, 1, 1, tzinfo=UTC))


CELLS = {
    "id": st.sampled_from(["p1", "p2", "p3", "", "x" * 200]),
    "time": st.sampled_from(["2026-01-01", "2026-01-02 10:00", "never", ""]),
    "payer": st.sampled_from(["alice", "bob", ""]),
    "payee": st.sampled_from(["shop", ""]),
    "amount": st.sampled_from(["1.00", "1", "2.50", "-1", "nan", "0.001", '"', '"x']),
    "fraud": st.sampled_from(["0", "1", "?", "0,extra"]),
}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.tuples(*CELLS.values()), max_size=8), min_size=1, max_size=3))
def test_totals_reconcile_whatever_the_files_hold(files: list[list[tuple[str, ...]]]) -> None:
    with TemporaryDirectory() as folder:
        lake, accepted, refused = Lake(f"{folder}/lake"), 0, 0
        for number, rows in enumerate(files):
            path = Path(folder) / f"{number}.csv"
            path.write_text(HEADER + "".join(",".join(row) + "\n" for row in rows) + f"q{number}")
            report = ingest_into(lake, path, mapping_of(SHOP))
            assert report.read == report.accepted + sum(report.quarantined.values()) + report.duplicates
            assert report.already_ingested or report.read >= 1
            accepted += report.accepted
            refused += sum(report.quarantined.values())
        assert lake.read(RAW_TRANSACTIONS).num_rows == accepted
        assert lake.read(QUARANTINE).num_rows == refused
        keys = lake.read(RAW_TRANSACTIONS)["transaction_id"].to_pylist()
        assert len(keys) == len(set(keys))


HANDBOOK = Path("../shared/data/handbook/transactions.parquet")


@pytest.mark.handbook
@pytest.mark.skipif(not HANDBOOK.exists(), reason="the published handbook payments are not here")
def test_the_handbook_enters_whole(lake: Lake) -> None:
    report = ingest_into(lake, HANDBOOK, load_mapping("handbook"))
    assert report == IngestReport(1_754_155, 1_754_155)
    amounts = lake.read(RAW_TRANSACTIONS, columns=["amount_minor"])["amount_minor"]
    frauds = lake.read(JUDGEMENTS)
    assert frauds.num_rows == 14_681
    assert pc.sum(amounts).as_py() > 0
