"""Simulated files go into the lake through the shipped mappings without one refused row."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from risk_platform.lake.ingest import IngestReport, ingest_file
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import JUDGEMENTS, PARTIES, RAW_TRANSACTIONS
from risk_platform.transactions.mapping import load_mapping
from risk_platform.transactions.simulator.config import SimulationConfig
from risk_platform.transactions.simulator.files import write_simulation


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_every_simulated_row_is_accepted_once(tmp_path: Path, suffix: str) -> None:
    made = write_simulation(
        SimulationConfig(150, 20, date(2026, 1, 1), fraud_share=0.02), tmp_path / f"payments.{suffix}"
    )
    lake = Lake(str(tmp_path / "lake"))

    def ingest(path: Path, mapping: str) -> IngestReport:
        return ingest_file(
            lake,
            path,
            load_mapping(mapping),
            timezone="Asia/Kolkata",
            label_maturity=timedelta(days=7),
            now=datetime(2026, 6, 1, tzinfo=UTC),
        )

    assert ingest(made.files.payments, "canonical") == IngestReport(made.payments, made.payments)
    assert ingest(made.files.judgements, "canonical_judgements") == IngestReport(
        made.judgements, made.judgements
    )
    assert ingest(made.files.parties, "canonical_parties") == IngestReport(made.parties, made.parties)
    assert lake.read(RAW_TRANSACTIONS, columns=["source"])["source"].unique().to_pylist() == ["simulator"]
    assert len(lake.read(JUDGEMENTS)) == made.judgements
    assert len(lake.read(PARTIES)) == made.parties
