"""The lake as dbt sees it: sources are lake tables, marts replace their range of event dates."""

import json
from datetime import date
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig, TargetConfig
from duckdb import DuckDBPyConnection

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import table_named


class Plugin(BasePlugin):
    """dbt-duckdb plugin over the lake that `root` and `options` of the profile name."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self._lake = Lake(plugin_config["root"], json.loads(plugin_config["options"]))

    def configure_cursor(self, cursor: DuckDBPyConnection) -> None:
        self._cursor = cursor

    def default_materialization(self) -> str:
        return "view"

    def load(self, source_config: SourceConfig) -> object:
        """The lake table as an Arrow dataset."""
        return self._lake.dataset(table_named(source_config.identifier))

    def store(self, target_config: TargetConfig) -> None:
        """Replace the table's partitions of the configured range with the relation's rows, as a stream."""
        config = target_config.config
        relation = self._cursor.sql(f"select * from {target_config.relation}")  # noqa: S608  # dbt quotes it
        self._lake.replace_range(
            table_named(str(target_config.relation.identifier)),
            relation.to_arrow_reader(100_000),
            date.fromisoformat(config.get("from_date")),
            date.fromisoformat(config.get("to_date")),
        )
