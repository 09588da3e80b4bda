"""The lake as dbt sees it: sources are lake tables, marts replace their range of event dates."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import SourceConfig, TargetConfig
from duckdb import DuckDBPyConnection

from risk_platform.lake.lake import Lake
from risk_platform.lake.tables import table_named

# So many payments are joined to their aggregates at once; memory, and the files open in the lake, follow it.
_ROWS_PER_STRETCH = 100_000
_ROWS_PER_BATCH = 20_000

# An event date, how many payments it has, their first and last `n`.
Day = tuple[date, int, int, int]


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
        """Replace the table's partitions of the configured range in one commit, as a stream of whole dates."""
        config, relation = target_config.config, target_config.relation
        table = table_named(str(relation.identifier))
        first, last = (date.fromisoformat(config.get(name)) for name in ("from_date", "to_date"))
        empty = self._cursor.sql(f"select * from {relation} limit 0").to_arrow_table()  # noqa: S608
        batches = self._stretches(str(relation), config.get("counted_in"), first, last)
        rows = pa.RecordBatchReader.from_batches(empty.schema, batches)
        self._lake.replace_range(table, rows, first, last)

    def _stretches(self, relation: str, payments: str, first: date, last: date) -> Iterator[pa.RecordBatch]:
        """The rows of `relation`, computed some dates at a time; it reads the bounds of `n` as variables."""
        dates = self._cursor.sql(
            f"select event_date, count(*), min(n), max(n) from {payments} "  # noqa: S608  # dbt quotes its relations
            f"where event_date between '{first}' and '{last}' group by 1 order by 1"
        ).fetchall()
        for stretch in stretches(dates, _ROWS_PER_STRETCH):
            first_n, last_n = min(low for *_, low, _ in stretch), max(high for *_, high in stretch)
            self._cursor.execute(f"set variable first_n = {first_n}; set variable last_n = {last_n}")
            yield from self._cursor.sql(
                f"select * from {relation} where event_date between '{stretch[0][0]}' and '{stretch[-1][0]}'"  # noqa: S608
            ).to_arrow_reader(_ROWS_PER_BATCH)


def stretches(dates: Iterable[Day], limit: int) -> Iterator[list[Day]]:
    """`dates` in their order, cut into runs of at most `limit` rows unless one date has more."""
    run: list[Day] = []
    for day in dates:
        if run and sum(rows for _, rows, *_ in run) + day[1] > limit:
            yield run
            run = []
        run.append(day)
    if run:
        yield run
