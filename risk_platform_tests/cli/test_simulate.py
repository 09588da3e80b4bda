"""The command `simulate`: files, summary and refusals."""

import json
from pathlib import Path

from typer.testing import CliRunner

from risk_platform.cli.main import app

SMALL = ["simulate", "--customers", "100", "--days", "12", "--start", "2026-02-20", "--fraud-share", "0.02"]


def test_it_writes_four_files_and_the_facts(tmp_path: Path) -> None:
    out, facts_file = tmp_path / "new" / "payments.csv", tmp_path / "facts.json"
    result = CliRunner().invoke(app, [*SMALL, "--out", str(out), "--json", str(facts_file)])
    assert result.exit_code == 0, result.output
    assert "Simulated payments" in result.output
    facts = json.loads(facts_file.read_text())
    assert (facts["first_day"], facts["last_day"]) == ("2026-02-20", "2026-03-03")
    assert facts["files"]["ground_truth"] == str(out.parent / "payments.ground_truth.csv")
    for name, path in facts["files"].items():
        lines = Path(path).read_text().count("\n") - 1
        assert lines == facts["frauds" if name == "ground_truth" else name]
    assert facts["frauds"] == sum(facts["frauds_by_typology"].values())
    assert facts["per_second"] > 0


def test_a_wrong_ending_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*SMALL, "--out", str(tmp_path / "payments.xlsx")])
    assert result.exit_code == 1
    assert "name a .parquet or .csv file" in str(result.exception)
    assert not list(tmp_path.iterdir())
