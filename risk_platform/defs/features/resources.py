"""dbt as a Dagster resource."""

import sys
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from risk_platform.features.project import PROJECT_FOLDER


class QuietDbt(DbtCliResource):
    """dbt whose version is read from what is installed: `dbt --version` would ask the package index for newer ones."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


@dg.definitions
def dbt_resource() -> dg.Definitions:
    """The dbt command of this very environment on the feature project."""
    executable = Path(sys.executable).parent / "dbt"
    return dg.Definitions(
        resources={
            "dbt": QuietDbt(
                project_dir=str(PROJECT_FOLDER),
                profiles_dir=str(PROJECT_FOLDER),
                dbt_executable=str(executable),
            )
        }
    )
