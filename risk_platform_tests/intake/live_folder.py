"""Files dropped into `landing/live` as other systems drop them."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from risk_platform.home import Home
from risk_platform_tests.intake.events import NOW

_LONG_AGO = NOW.timestamp() - 60


def drop(home: Home, mapping: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The rows as CSV in `landing/live/<mapping>/<name>`, put there a minute before the tests' clock."""
    names = list(dict.fromkeys(column for row in rows for column in row))
    folder = home.landing_live / mapping
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}"
    with unfinished.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    os.utime(unfinished, (_LONG_AGO, _LONG_AGO))
    return unfinished.replace(folder / name)
