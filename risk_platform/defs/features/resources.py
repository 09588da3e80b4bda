"""dbt as a Dagster resource."""

import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from risk_platform.features.project import PROJECT_FOLDER


@dg.definitions
def dbt_resource() -> dg.Definitions:
    """The dbt command of this very environment on the feature project."""
    executable = Path(sys.executable).parent / "dbt"
    return dg.Definitions(
        resources={
            "dbt": DbtCliResource(
                project_dir=str(PROJECT_FOLDER),
                profiles_dir=str(PROJECT_FOLDER),
                dbt_executable=str(executable),
            )
        }
    )
