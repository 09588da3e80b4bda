"""The payments of a file in the order they happened, in batches as the live door takes them."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from risk_platform.errors import InputError
from risk_platform.intake.events import Columns, live_fields
from risk_platform.transactions.mapper import Mapper
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.refusals import first_breaks, without
from risk_platform.transactions.source_file import open_source


@dataclass(frozen=True)
class FilePayments:
    """Payments that could be read, sorted by event time, and how many rows were refused for what."""

    frame: pl.DataFrame
    refused: Counter[str]

    @property
    def first_time(self) -> datetime | None:
        """When the first one happened; None when no payment has a time."""
        first: datetime | None = self.frame["event_time"].min()  # type: ignore[assignment]
        return first

    def batches(self, size: int) -> Iterator[Columns]:
        """The values of `size` payments after the other, times as µs since 1970."""
        for start in range(0, self.frame.height, size):
            part = self.frame.slice(start, size).with_columns(pl.col("event_time").cast(pl.Int64))
            yield {name: part[name].to_list() for name in part.columns}


def read_payments(path: Path, mapping: SourceMapping, progress: Callable[[float], None]) -> FilePayments:
    """Read a file of payments under its mapping; raises InputError when the file or the mapping is wrong.

    Labels in the file are not looked at.
    """
    if mapping.kind != "payments":
        raise InputError(f"The mapping {mapping.name} is of {mapping.kind}; decisions are made on payments.")
    names = [field.name for field in live_fields("payments")]
    refused: Counter[str] = Counter()
    frames = []
    with closing(open_source(path, mapping)) as source:
        mapper = Mapper(mapping, source.columns, source.name)
        for batch in source.batches(mapper.source_columns):
            mapped = mapper.map(batch.frame)
            breaks = first_breaks(mapped.breaks, mapped.frame.height)
            refused.update({item.rule: int(item.rows.sum()) for item in breaks})
            refused.update(record.rule for record in batch.refused)
            frames.append(without(mapped.frame, breaks).select(names))
            progress(source.share_read)
    if not frames:
        raise InputError(f"{path} holds no payment.")
    return FilePayments(pl.concat(frames).sort("event_time", nulls_last=True, maintain_order=True), refused)
