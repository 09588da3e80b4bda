"""The lake as dbt sees it: sources are lake tables, marts replace their range of event dates."""

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig, TargetConfig
from duckdb import DuckDBPyConnection

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import table_named

# A commit keeps its files open until its end: so many rows of a wide mart stay well below a gigabyte.
_ROWS_PER_COMMIT = 400_000
_ROWS_PER_BATCH = 20_000


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
        """Replace the table's partitions of the configured range, several whole dates at a time, as a stream."""
        config, relation = target_config.config, target_config.relation
        first, last = (date.fromisoformat(config.get(name)) for name in ("from_date", "to_date"))
        rows_of = self._cursor.sql(
            f"select event_date, count(*) from {config.get('counted_in')} "  # noqa: S608  # dbt quotes its relations
            f"where event_date between '{first}' and '{last}' group by 1 order by 1"
        ).fetchall()
        for begin, end in spans(rows_of, first, last, _ROWS_PER_COMMIT):
            rows = self._cursor.sql(
                f"select * from {relation} where event_date between '{begin}' and '{end}'"  # noqa: S608
            )
            self._lake.replace_range(
                table_named(str(relation.identifier)), rows.to_arrow_reader(_ROWS_PER_BATCH), begin, end
            )


def spans(
    rows_of: Iterable[tuple[date, int]], first: date, last: date, limit: int
) -> Iterator[tuple[date, date]]:
    """`first` to `last` cut into spans of whole dates, each of at most `limit` rows unless one date has more."""
    begin, rows = first, 0
    for day, count in rows_of:
        if rows and rows + count > limit:
            yield begin, day - timedelta(days=1)
            begin, rows = day, 0
        rows += count
    yield begin, last
