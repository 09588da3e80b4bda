"""The dbt project as assets: one per model, partitioned by business day, its tests as checks."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from risk_platform.defs.features.manifest import ready_manifest
from risk_platform.defs.partitions import DAILY, SINGLE_RUN
from risk_platform.defs.platform import Platform, day_range
from risk_platform.durations import format_duration
from risk_platform.features.workspace import dbt_workspace
from risk_platform.settings import settings


class LakeTranslator(DagsterDbtTranslator):
    """Names of the lake: a source is the asset of the same name, every model belongs to the stage `features`.

    Only what stays in the lake has partitions; the models before it live for one run.
    """

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey(dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:  # noqa: ARG002
        return "features"

    def get_partitions_def(
        self, dbt_resource_props: Mapping[str, Any]
    ) -> dg.PartitionsDefinition[str] | None:
        return DAILY if dbt_resource_props["config"].get("materialized") == "lake_table" else None


@dbt_assets(
    manifest=ready_manifest(Platform(home=str(settings().home.absolute()))),
    backfill_policy=SINGLE_RUN,
    dagster_dbt_translator=LakeTranslator(),
    pool="features",
)
def dbt_features(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, platform: Platform
) -> Iterator[object]:
    """Build the features of the run's days; history is read back as far as the windows need."""
    first, last = day_range(context)
    current = platform.settings
    variables = {
        "from_date": first.isoformat(),
        "to_date": last.isoformat(),
        "label_maturity": format_duration(current.label_maturity),
        "timezone": current.timezone,
    }
    work = platform.folders.work / "dbt"
    with dbt_workspace(platform.lake, work) as environment:
        os.environ.update(environment)
        invocation = dbt.cli(
            ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(variables)],
            context=context,
            target_path=work / "runs" / context.run_id,
        )
        yield from invocation.stream()
