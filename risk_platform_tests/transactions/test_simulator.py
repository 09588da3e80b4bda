"""Simulated payments as files and tables: reproducible, complete, shaped like an Indian payment system."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.errors import InputError
from risk_platform.lake.tables import JUDGEMENTS, PARTIES, RAW_TRANSACTIONS
from risk_platform.transactions.simulator.calendar import (
    FIRST_DAY,
    LAST_WORKING_DAY,
    NO_SALARY,
    SEVENTH_DAY,
    build_calendar,
    is_salary_day,
    last_working_day,
)
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.files import SimulationFiles, simulation_files, write_simulation
from risk_platform.transactions.simulator.identifiers import IdentifierSpace
from risk_platform.transactions.simulator.simulation import SimulatedPayments, simulate

SMALL = SimulationConfig(customers=150, days=20, seed=3, fraud_share=0.02)


def frame(table: pa.Table) -> pl.DataFrame:
    made = pl.from_arrow(table)
    assert isinstance(made, pl.DataFrame)
    return made


def hashes(files: SimulationFiles) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files.paths]


def local(payments: pl.DataFrame) -> pl.Series:
    return payments["event_time"].dt.convert_time_zone("Asia/Kolkata")


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_simulation(SMALL, tmp_path / "here.parquet")
    code = (
        "from pathlib import Path\n"
        "from risk_platform.transactions.simulator.config import SimulationConfig\n"
        "from risk_platform.transactions.simulator.files import write_simulation\n"
        "config = SimulationConfig(customers=150, days=20, seed=3, fraud_share=0.02)\n"
        "write_simulation(config, Path('there.parquet'))\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, env={**os.environ, "PYTHONHASHSEED": "42"}
    )
    here, there = (hashes(simulation_files(tmp_path / name)) for name in ("here.parquet", "there.parquet"))
    assert here == there


def test_another_seed_gives_other_files(tmp_path: Path) -> None:
    one = write_simulation(SMALL, tmp_path / "one.parquet").files
    other = write_simulation(
        SimulationConfig(customers=150, days=20, seed=4, fraud_share=0.02), tmp_path / "two.parquet"
    ).files
    assert not set(hashes(one)) & set(hashes(other))


def test_files_hold_what_the_tables_hold_in_both_formats(tmp_path: Path) -> None:
    made = simulate(SMALL)
    files = write_simulation(SMALL, tmp_path / "p.parquet").files
    assert pq.read_table(files.payments).equals(made.payments)
    assert pq.read_table(files.judgements).equals(made.judgements)
    assert pq.read_table(files.parties).equals(made.parties)
    assert pq.read_table(files.ground_truth).equals(made.ground_truth)
    text = write_simulation(SMALL, tmp_path / "p.csv").files
    assert [path.name for path in (text.judgements, text.parties)] == ["p.judgements.csv", "p.parties.csv"]
    read = pyarrow.csv.read_csv(text.payments)
    assert read.column_names == made.payments.column_names
    assert read["transaction_id"].to_pylist() == made.payments["transaction_id"].to_pylist()
    assert read["amount_minor"].to_pylist() == made.payments["amount_minor"].to_pylist()


def test_nothing_is_left_when_the_files_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "p.judgements.parquet").mkdir()
    with pytest.raises(InputError, match=r"p\.parquet cannot be written: Is a directory\."):
        write_simulation(SMALL, tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()
    assert not list(tmp_path.glob(".simulating-*"))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_simulation(SMALL, tmp_path / "file" / "p.parquet")


def test_columns_are_canonical(ecosystem: SimulatedPayments) -> None:
    for table, registered in (
        (ecosystem.payments, RAW_TRANSACTIONS),
        (ecosystem.judgements, JUDGEMENTS),
        (ecosystem.parties, PARTIES),
    ):
        assert set(table.column_names) <= set(registered.column_names)
        for column in table.schema:
            assert registered.schema.field(column.name).type == column.type, column.name
            if not registered.schema.field(column.name).nullable:
                assert table[column.name].null_count == 0, column.name
    assert "typology" not in ecosystem.payments.column_names


def test_a_payment_has_an_own_identifier_a_positive_amount_and_no_nan(ecosystem: SimulatedPayments) -> None:
    payments = frame(ecosystem.payments)
    assert payments["transaction_id"].n_unique() == payments.height
    assert payments["amount_minor"].min() == 100
    assert payments.select(pl.col("latitude", "longitude").is_nan().any()).row(0) == (False, False)
    located = payments["latitude"].is_not_null()
    assert (located == payments["longitude"].is_not_null()).all()
    assert 0.85 < located.mean() < 0.91  # type: ignore[operator]
    assert payments["event_time"].is_sorted()
    assert (payments["customer_id"] != payments["counterparty_id"]).all()


def test_payments_lie_within_the_period(ecosystem: SimulatedPayments) -> None:
    days = local(frame(ecosystem.payments)).dt.date()
    assert (days.min(), days.max()) == (date(2026, 1, 1), date(2026, 3, 1))


def test_the_fraud_share_is_met(ecosystem: SimulatedPayments) -> None:
    assert len(ecosystem.ground_truth) / len(ecosystem.payments) == pytest.approx(0.006, rel=0.05)
    without = simulate(SimulationConfig(customers=100, days=10, fraud_share=0))
    assert len(without.ground_truth) == 0
    assert frame(without.judgements).height == 0


@pytest.mark.parametrize(("customers", "days"), [(20, 1), (20, 400), (3_000, 1)])
def test_the_smallest_and_the_narrowest_request_are_met(customers: int, days: int) -> None:
    made = simulate(SimulationConfig(customers, days, date(2026, 10, 1), fraud_share=0.05))
    assert len(made.ground_truth) / len(made.payments) == pytest.approx(0.05, abs=0.02)
    assert frame(made.payments)["transaction_id"].n_unique() == len(made.payments)


def test_parties_and_truth_refer_to_each_other(ecosystem: SimulatedPayments) -> None:
    payments, parties = frame(ecosystem.payments), frame(ecosystem.parties)
    assert parties["party_id"].n_unique() == parties.height
    payers = payments.join(parties, left_on="customer_id", right_on="party_id", suffix="_of_payer")
    assert payers.height == payments.height
    assert payers["kind_of_payer"].is_in(["person", "account"]).all()
    assert (payers["valid_from"] <= payers["event_time"]).all()
    served = payments.filter(pl.col("counterparty_type") != "person")
    payees = served.join(parties, left_on="counterparty_id", right_on="party_id", suffix="_of_payee")
    assert payees.height == served.height
    assert (payees["counterparty_type"] == payees["kind_of_payee"]).all()
    for table in (ecosystem.ground_truth, ecosystem.judgements):
        assert frame(table)["transaction_id"].is_in(payments["transaction_id"].implode()).all()
    assert frame(ecosystem.ground_truth)["transaction_id"].n_unique() == len(ecosystem.ground_truth)


def test_optional_columns_are_absent_where_nobody_could_know_them(ecosystem: SimulatedPayments) -> None:
    payments = frame(ecosystem.payments)
    cash = payments.filter(pl.col("channel").is_in(["ATM", "AEPS"]))
    assert cash["device_id"].null_count() == cash.height
    assert (cash["kind"] == "cash").all()
    people = payments.filter(pl.col("counterparty_type") == "person")
    assert people["mcc"].null_count() == people.height
    assert payments.filter(pl.col("counterparty_type") == "merchant")["mcc"].null_count() == 0
    assert payments.filter(pl.col("channel") == "AEPS")["amount_minor"].max() == 1_000_000


def test_nights_are_quiet_and_salary_days_busy(ecosystem: SimulatedPayments) -> None:
    payments = frame(ecosystem.payments)
    times = local(payments)
    by_hour = times.dt.hour().value_counts().sort("event_time")["count"]
    assert by_hour[1:5].sum() < 0.05 * payments.height
    assert by_hour[17:21].sum() > 0.22 * payments.height
    salaries = payments.filter(pl.col("counterparty_type") == "person", pl.col("device_id").is_null())
    days = local(salaries.filter(pl.col("channel") == "NEFT")).dt.date().value_counts(sort=True)["event_time"]
    paid = {
        date(2026, 1, 1),
        date(2026, 1, 7),
        date(2026, 1, 30),
        date(2026, 2, 1),
        date(2026, 2, 7),
        date(2026, 2, 27),
    }
    assert set(days.to_list()) <= paid | {date(2026, 3, 1)}
    assert paid <= set(days.to_list())


def test_volume_per_customer_is_heavy_tailed(ecosystem: SimulatedPayments) -> None:
    per_day = frame(ecosystem.payments).group_by("customer_id").len()["len"] / 60
    assert 1.0 < per_day.median() < 3.0  # type: ignore[operator]
    assert per_day.quantile(0.99) > 4 * per_day.median()  # type: ignore[operator]


def test_customers_come_and_go(ecosystem: SimulatedPayments) -> None:
    opened = frame(ecosystem.parties).filter(pl.col("age_band").is_not_null())["opened_date"]
    assert opened.is_between(date(2026, 1, 1), date(2026, 3, 1)).sum() == int(1200 * 60 * 0.0008)
    last = frame(ecosystem.payments).group_by("customer_id").agg(pl.col("event_time").max())["event_time"]
    assert (last < datetime(2026, 2, 1, tzinfo=UTC)).sum() > 12


def test_judgements_come_after_their_payments_and_mostly_tell_the_truth(ecosystem: SimulatedPayments) -> None:
    judged = frame(ecosystem.judgements)
    payments, truth = frame(ecosystem.payments), frame(ecosystem.ground_truth)
    joined = judged.join(
        payments.select("transaction_id", "event_time", "channel"), on="transaction_id"
    ).join(truth, on="transaction_id", how="left")
    assert joined.height == judged.height
    assert judged["judgement_id"].n_unique() == judged.height
    assert judged["known_time"].is_sorted()
    delay = joined["known_time"] - joined["event_time"]
    assert (delay > timedelta(0)).all()
    chargebacks = delay.filter(joined["judged_by"] == "chargeback")
    assert timedelta(days=5) <= chargebacks.min()  # type: ignore[operator]
    assert timedelta(days=40) >= chargebacks.max()  # type: ignore[operator]
    true = joined.filter("is_fraud", pl.col("typology").is_not_null())
    assert 0.75 < true["transaction_id"].n_unique() / truth.height < 0.95
    refuted = joined.filter(~pl.col("is_fraud"))
    assert 0 < refuted.height < 0.1 * truth.height
    assert refuted["typology"].null_count() == refuted.height
    assert set(judged["judged_by"]) == {"customer", "chargeback", "simulator"}


def test_a_belief_that_was_wrong_is_settled_last(ecosystem: SimulatedPayments) -> None:
    truth = frame(ecosystem.ground_truth)
    wrong = frame(ecosystem.judgements).join(truth, on="transaction_id", how="anti").sort("known_time")
    final = wrong.group_by("transaction_id", maintain_order=True).agg(pl.col("is_fraud").last())
    assert not final["is_fraud"].any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"customers": 3}, "customers is 3"),
        ({"days": 0}, "days is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"fraud_share": 0.5}, "fraud share is 0.5"),
    ],
)
def test_a_wrong_request_is_refused(change: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SimulationConfig(**change)  # type: ignore[arg-type]


def test_a_period_without_festivals_and_a_strange_ending_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="festival table; simulate within 2018 to 2030"):
        build_calendar(date(2030, 12, 1), 60)
    with pytest.raises(InputError, match=r"name a \.parquet or \.csv file"):
        simulation_files(tmp_path / "payments.json")


def test_salary_days() -> None:
    assert last_working_day(date(2026, 5, 4)) == date(2026, 5, 29)
    assert last_working_day(date(2026, 3, 1)) == date(2026, 3, 31)
    assert is_salary_day(FIRST_DAY, date(2026, 4, 1))
    assert is_salary_day(SEVENTH_DAY, date(2026, 4, 7))
    assert is_salary_day(LAST_WORKING_DAY, date(2026, 5, 29))
    assert not is_salary_day(NO_SALARY, date(2026, 4, 1))


def test_festivals_and_weekends_are_busy() -> None:
    calendar = build_calendar(date(2026, 10, 25), 20)
    busy = dict(zip(calendar.dates, calendar.activity, strict=True))
    assert max(busy, key=lambda day: busy[day]) == date(2026, 11, 7)
    assert busy[date(2026, 11, 8)] == pytest.approx(1.01 * 1.55)
    assert busy[date(2026, 11, 11)] == 0.97


@given(st.lists(st.integers(0, 2**40 - 1), min_size=1, max_size=200, unique=True), st.integers(0, 2**40))
def test_distinct_codes_get_distinct_identifiers(codes: list[int], key: int) -> None:
    space = IdentifierSpace("P", 8, key)
    made = space.encode(np.array([*codes, -1], dtype=np.int64)).to_pylist()
    assert made[-1] is None
    assert len(set(made)) == len(codes) + 1
    assert all(len(identifier) == 9 and identifier[0] == "P" for identifier in made[:-1])
