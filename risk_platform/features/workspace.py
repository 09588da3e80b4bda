"""Where one build of the features keeps its tables: a database file and spilled data, gone when the build ends."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from risk_platform.lake.lake import Lake

_PREFIX = "build-"


@contextmanager
def dbt_workspace(lake: Lake, work_dir: Path) -> Iterator[dict[str, str]]:
    """The environment variables that the profile of the dbt project reads, for one build below `work_dir`.

    The build's tables lie in a file, compressed, so that its memory does not grow with the payments. The file and what
    is spilled are removed at the end; those of a build that was killed, when the next one begins.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    _remove_orphans(work_dir)
    with TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=work_dir) as folder:
        yield {
            "RISK_DBT_LAKE_ROOT": lake.root,
            "RISK_DBT_LAKE_OPTIONS": json.dumps(dict(lake.options)),
            "RISK_DBT_DATABASE": str(Path(folder) / "features.duckdb"),
            "RISK_DBT_TEMP_DIRECTORY": str(Path(folder) / "spill"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }


def _remove_orphans(work_dir: Path) -> None:
    for folder in work_dir.glob(f"{_PREFIX}*"):
        if not _alive(int(folder.name.split("-")[1])):
            shutil.rmtree(folder)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
