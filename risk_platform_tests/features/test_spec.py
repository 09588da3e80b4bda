"""The feature spec: what it names, what it says of each name, what it refuses."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from risk_platform.errors import ContractError
from risk_platform.features.project import PROJECT_FOLDER
from risk_platform.features.schema import SCHEMA_FILE, schema_text
from risk_platform.features.spec import FeatureSpec, parse_feature_spec


@pytest.fixture
def features() -> dict[str, Any]:
    project = yaml.safe_load((PROJECT_FOLDER / "dbt_project.yml").read_text())
    return deepcopy(project["vars"]["features"])


def test_descriptions_are_sentences(spec: FeatureSpec) -> None:
    for name in spec.names:
        assert spec.description(name)[0].isupper() or spec.description(name)[0].isdigit()
        assert spec.description(name).endswith(".")
    assert (
        spec.description("counterparty_payment_count_7d")
        == "Number of payments of the counterparty in the last 7 days."
    )


def test_every_entity_has_its_model(spec: FeatureSpec) -> None:
    models = {path.stem for path in (PROJECT_FOLDER / "models" / "intermediate").glob("*.sql")}
    assert {f"int_{a.entity}" for a in spec.second_stage} <= models
    assert {f"int_{a.entity}_baselines" for a in spec.first_stage} <= models


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"entity": "shop", "aggs": ["count"], "windows": ["1d"]}, "names the entity 'shop'"),
        ({"entity": "customer", "aggs": ["median"], "windows": ["1d"]}, "aggregates.0.aggs"),
        ({"entity": "customer", "aggs": ["sum"], "windows": ["1d"]}, "sum needs a measure"),
        (
            {"entity": "customer", "measure": "amount", "aggs": ["count"], "windows": ["1d"]},
            "count takes no measure",
        ),
        (
            {"entity": "customer", "measure": "colour", "aggs": ["max"], "windows": ["1d"]},
            "the measure 'colour'",
        ),
        ({"entity": "customer", "filter": "odd", "aggs": ["count"], "windows": ["1d"]}, "the filter 'odd'"),
        ({"entity": "customer", "aggs": ["count"], "windows": ["1 day"]}, "not a duration"),
        ({"entity": "customer", "aggs": ["count"], "windows": ["1h"]}, "is declared twice"),
    ],
)
def test_a_wrong_aggregate_is_refused(features: dict[str, Any], entry: dict[str, Any], message: str) -> None:
    features["aggregates"].insert(0, entry)
    with pytest.raises(ContractError, match=message):
        parse_feature_spec(features)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"op": "modulo", "of": "amount", "title": "x"}, "modulo"),
        ({"op": "ratio", "of": "amount", "to": "nothing", "title": "x"}, "uses 'nothing'"),
        ({"op": "ratio", "of": "amount", "title": "x"}, "Field required"),
    ],
)
def test_a_wrong_expression_is_refused(
    features: dict[str, Any], expression: dict[str, Any], message: str
) -> None:
    features["comparisons"]["wrong"] = expression
    with pytest.raises(ContractError, match=message):
        parse_feature_spec(features)


def test_a_filter_on_labels_needs_resolutions(features: dict[str, Any]) -> None:
    features["filters"]["fraud"]["stream"] = "payments"
    with pytest.raises(ContractError, match="only the stream resolutions has"):
        parse_feature_spec(features)


def test_the_contract_of_the_mart_is_written_from_the_spec(spec: FeatureSpec) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(spec)
