"""The contract of the feature mart as a dbt properties file, written from the spec."""

from pathlib import Path
from typing import Any

import yaml

from risk_platform.features.project import PROJECT_FOLDER
from risk_platform.features.spec import FeatureSpec, load_feature_spec
from risk_platform.lake.tables import PAYMENT_FEATURES

SCHEMA_FILE = PROJECT_FOLDER / "models" / "marts" / "payment_features.yml"
_HEAD = (
    "# Written by `python -m risk_platform.features.schema` from vars.features; a test holds both equal.\n"
)
_TYPES = {"event_time": "timestamptz", "known_time": "timestamptz", "event_date": "date"}


def schema_text(spec: FeatureSpec) -> str:
    """YAML of the mart's properties: grain, enforced contract, a type and a description for every column."""
    columns = [
        _column(c.name, _TYPES.get(c.name, "varchar"), c.description) for c in PAYMENT_FEATURES.columns
    ]
    columns += [_column(name, "double", spec.description(name)) for name in spec.names]
    model = {
        "name": "payment_features",
        "description": "One row per payment: every feature of the spec, as known just before it.",
        "config": {"contract": {"enforced": True}},
        "columns": columns,
    }
    return _HEAD + yaml.safe_dump({"models": [model]}, sort_keys=False, width=120, allow_unicode=True)


def _column(name: str, data_type: str, description: str) -> dict[str, Any]:
    return {"name": name, "data_type": data_type, "description": description}


def write_schema(path: Path = SCHEMA_FILE) -> None:
    """Write the properties file anew."""
    path.write_text(schema_text(load_feature_spec()), encoding="utf-8")


if __name__ == "__main__":
    write_schema()
