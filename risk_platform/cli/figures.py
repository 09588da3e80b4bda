"""Benchmark figures: each a value beside a named peer or limit measured in the same run."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured value, its unit, and the peer or limit it is held against.

    `ratio` is written so that more is better: how many times the peer, or how many times within the limit.
    """

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float


def report(figures: list[Figure], console: Console, json_file: Path | None = None) -> None:
    """Print the figures as a table and write them to `json_file` when given."""
    table = Table("figure", "value", "unit", "peer or limit", "its value", "ratio")
    for figure in figures:
        table.add_row(
            figure.name,
            f"{figure.value:,.3g}",
            figure.unit,
            figure.peer,
            f"{figure.peer_value:,.3g}",
            f"{figure.ratio:.2f}",
        )
    console.print(table)
    if json_file:
        json_file.write_text(json.dumps({"figures": [asdict(figure) for figure in figures]}, indent=2) + "\n")
