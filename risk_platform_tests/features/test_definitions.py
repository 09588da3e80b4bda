"""The mart against the definitions in plain Python, by both paths."""

from datetime import timedelta
from typing import Any

import pytest

from risk_platform.features.spec import FeatureSpec
from risk_platform_tests.features.conftest import MATURITY, Build, Mart, different
from risk_platform_tests.features.events import random_history
from risk_platform_tests.features.reference import Reference

HISTORY = random_history(seed=7, count=250)


@pytest.fixture(scope="module")
def expected(spec: FeatureSpec) -> Mart:
    return Reference(spec, *HISTORY, MATURITY, timedelta(days=120)).values


@pytest.mark.parametrize("variables", [{}, {"exact_join": True, "rows_per_part": 100}])
def test_every_feature_of_every_payment_equals_its_definition(
    spec: FeatureSpec, build: Build, expected: Mart, variables: dict[str, Any]
) -> None:
    mart = build(*HISTORY, **variables)
    assert mart.keys() == expected.keys()
    assert different(spec, mart, expected) == {}
