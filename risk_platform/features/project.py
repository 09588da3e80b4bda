"""Where the dbt project of the features lies: beside the package, in a checkout as in an installed wheel."""

from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[2] / "dbt_features"
