"""One small random history, its mart and its reference values, built once for the whole session."""

from collections.abc import Callable
from datetime import timedelta
from math import isclose
from pathlib import Path
from typing import Any

import pytest

from risk_platform.features.build import run_dbt
from risk_platform.features.spec import FeatureSpec, load_feature_spec
from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import PAYMENT_FEATURES
from risk_platform_tests.features.events import FIRST_DATE, LAST_DATE, ZONE, Judgement, Payment, write

MATURITY = timedelta(days=7)
Mart = dict[str, dict[str, Any]]
Build = Callable[..., Mart]


@pytest.fixture(scope="session")
def spec() -> FeatureSpec:
    return load_feature_spec()


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds the mart of the given payments and judgements: transaction_id → its features."""
    work_dir = tmp_path_factory.mktemp("dbt")

    def _build(payments: list[Payment], judgements: list[Judgement], **variables: Any) -> Mart:
        lake = Lake(str(tmp_path_factory.mktemp("lake")))
        write(lake, payments, judgements)
        build_mart(lake, work_dir, **variables)
        return read_mart(lake)

    return _build


def build_mart(lake: Lake, work_dir: Path, **variables: Any) -> None:
    """Run the dbt project over `lake` for every date unless `variables` say otherwise."""
    given = {"from_date": FIRST_DATE.isoformat(), "to_date": LAST_DATE.isoformat(), "label_maturity": "7d"}
    run_dbt(lake, ["run"], {**given, "timezone": str(ZONE), **variables}, work_dir)


def read_mart(lake: Lake) -> Mart:
    """transaction_id → row of the mart."""
    return {row["transaction_id"]: row for row in lake.read(PAYMENT_FEATURES).to_pylist()}


def different(spec: FeatureSpec, found: Mart, expected: Mart) -> dict[str, list[tuple[str, Any, Any]]]:
    """Per feature, the payments whose value is another: (transaction_id, found, expected)."""
    wrong: dict[str, list[tuple[str, Any, Any]]] = {}
    for key, row in found.items():
        for name in spec.names:
            if not _equal(row[name], expected[key][name]):
                wrong.setdefault(name, []).append((key, row[name], expected[key][name]))
    return wrong


def _equal(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
