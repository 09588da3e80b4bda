"""The lake as an engine's history: as it was when the store began, or before some instant."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.lake.lake import Lake
from risk_platform.lake.table import Table
from risk_platform.lake.tables import JUDGEMENTS, TRANSACTIONS


@dataclass(frozen=True)
class HistoryVersion:
    """Which history lies before the inbox: Delta versions of both tables, -1 where there was none."""

    transactions: int
    judgements: int

    @classmethod
    def now(cls, lake: Lake) -> Self:
        """The history as the lake has it now."""
        return cls(lake.version(TRANSACTIONS), lake.version(JUDGEMENTS))


class History(Lake):
    """The lake at one version; with `before`, only what was known before that instant."""

    def __init__(self, lake: Lake, version: HistoryVersion, before: datetime | None = None) -> None:
        super().__init__(lake.root, lake.options)
        self._versions = {TRANSACTIONS.name: version.transactions, JUDGEMENTS.name: version.judgements}
        self._before = before

    def read(
        self,
        table: Table,
        columns: list[str] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002
        version: int | None = None,
    ) -> pa.Table:
        """Rows of the table, payments or judgements, that belong to the history and pass `filter`."""
        pinned = self._versions[table.name] if version is None else version
        if pinned < 0:
            return table.schema.empty_table().select(columns or table.column_names)
        if self._before is not None:
            known = pc.field("known_time") < self._before
            filter = known if filter is None else known & filter  # noqa: A001
        return super().read(table, columns, filter, pinned)

    @property
    def last_date(self) -> date | None:
        """The newest event date of its payments; None when it has none."""
        last: date | None = pc.max(self.read(TRANSACTIONS, ["event_date"])["event_date"]).as_py()
        return last
