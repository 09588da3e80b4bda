"""The code location: it loads without a warning, and every asset tells what it is and whose."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from risk_platform_tests.defs.conftest import ROOT


def test_the_workspace_loads_without_a_warning(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "RISK_HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        # Dagster recommends a newer command at every start of this one.
        "PYTHONWARNINGS": "ignore:Function `definitions_validate_command`",
    }
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    command = [
        str(Path(sys.executable).parent / "dagster"),
        "definitions",
        "validate",
        "-w",
        "workspace.yaml",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "arning" not in said, said


@pytest.fixture(scope="module")
def specs() -> dict[str, object]:
    from risk_platform.definitions import defs

    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_every_asset_has_group_description_and_owner(specs: dict[str, object]) -> None:
    bare = {
        name
        for name, spec in specs.items()
        if not (spec.group_name and spec.group_name != "default" and spec.description and spec.owners)  # type: ignore[attr-defined]
    }
    assert bare == set()


def test_the_graph_is_one_from_landed_files_to_decisions(specs: dict[str, object]) -> None:
    upstream = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs.items()}  # type: ignore[attr-defined]

    def reaches(name: str) -> set[str]:
        return {name}.union(*(reaches(parent) for parent in upstream.get(name, set())))

    assert {"landed_history", "raw_transactions", "transactions", "payment_features", "champion"} <= reaches(
        "decisions"
    )
    assert {"transactions", "judgements"} <= reaches("neo4j_graph")
    assert "inbox" in upstream["raw_transactions"] & upstream["decisions"]
