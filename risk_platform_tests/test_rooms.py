"""The floors of the house: lower rooms never import higher ones, domain rooms never import a framework."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "risk_platform"
FLOORS = (
    "audit",
    "privacy",
    "transactions",
    "lake",
    "features",
    "models",
    "decisions",
    "network",
    "operations",
    "intake",
    "api",
    "defs",
    "cli",
)
FRAMEWORKS = {"dagster", "fastapi", "streamlit", "dagster_dbt"}
WIRING = {"api", "defs", "cli"}


def imports_of(path: Path) -> set[str]:
    """Every module that the file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "risk_platform" and len(parts) > 1 and parts[1] in FLOORS else None


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_no_higher_room(room: str) -> None:
    allowed = set(FLOORS[: FLOORS.index(room) + 1])
    upward = {
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in (PACKAGE / room).rglob("*.py")
        for module in imports_of(path)
        if (other := room_of(module)) and other not in allowed
    }
    assert upward == set()


@pytest.mark.parametrize("room", [room for room in FLOORS if room not in WIRING])
def test_a_domain_room_knows_no_framework(room: str) -> None:
    known = {
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in (PACKAGE / room).rglob("*.py")
        for module in imports_of(path)
        if module.split(".")[0] in FRAMEWORKS
    }
    assert known == set()


def test_only_tracking_imports_mlflow() -> None:
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(module.split(".")[0] == "mlflow" for module in imports_of(path))
    }
    assert importers <= {"models/tracking.py"}
