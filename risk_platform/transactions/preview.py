"""What a mapping makes of the first records of a file, without writing anything."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from risk_platform.transactions.completion import completed
from risk_platform.transactions.door import Door
from risk_platform.transactions.mapper import SOURCE_LINE, Mapper
from risk_platform.transactions.mapping import SourceMapping
from risk_platform.transactions.refusals import first_breaks, without
from risk_platform.transactions.rules import load_row_rules
from risk_platform.transactions.source_file import open_source


@dataclass(frozen=True)
class Refusal:
    """One refused value of a preview."""

    line: int
    rule: str
    column: str | None
    value: str | None


@dataclass(frozen=True)
class Preview:
    """The first accepted rows in canonical columns (those that hold anything), and the first refusals."""

    rows: pl.DataFrame
    refusals: tuple[Refusal, ...]
    records: int


def preview_file(path: Path, mapping: SourceMapping, *, timezone: str, now: datetime, rows: int) -> Preview:
    """The first batch of the file under the mapping, cut to `rows` accepted rows and as many refusals.

    Raises InputError when the file as a whole cannot be read under the mapping.
    """
    with closing(open_source(path, mapping)) as source:
        mapper = Mapper(mapping, source.columns, source.name)
        batch = next(iter(source.batches(mapper.source_columns)), None)
    if batch is None:
        return Preview(pl.DataFrame(), (), 0)
    mapped = mapper.map(batch.frame)
    frame = completed(mapped.frame, mapping.record, timezone)
    door = Door(rule for rule in load_row_rules(mapping.kind) if rule.at_door)
    breaks = first_breaks([*mapped.breaks, *door.breaks(frame, now)], frame.height)
    refusals = [Refusal(record.line, record.rule, None, record.text) for record in batch.refused]
    for item in breaks:
        written = mapper.refused(item, frame, batch.frame)
        refusals += [
            Refusal(row["source_line"], row["rule"], row["column"], row["value"])
            for row in written.to_dicts()
        ]
    shown = without(frame, breaks).head(rows).drop(SOURCE_LINE)
    filled = [name for name in shown.columns if shown[name].null_count() < shown.height]
    records = frame.height + len(batch.refused)
    return Preview(shown.select(filled), tuple(sorted(refusals, key=lambda item: item.line)[:rows]), records)
