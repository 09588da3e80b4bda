"""The landing folder for live files: `landing/live/<mapping>/<file>`; what lies there and is whole."""

import fcntl
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from risk_platform.home import Home

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
# A file that was written to a moment ago may be written to again.
QUIET_SECONDS = 1.0
# A text that does not end with a line, or a file whose writers the system does not tell, waits longer.
DOUBTFUL_SECONDS = 10.0
_LINE_END = b"\n"
_TEXT_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class WaitingFile:
    """One file that waits to be taken in, and the name of the folder it lies in: its mapping."""

    path: Path
    mapping: str


def waiting_files(home: Home) -> list[WaitingFile]:
    """The files in the landing folder, the oldest first; hidden ones and those named unfinished are left out."""
    found = []
    for path in home.landing_live.glob("*/*"):
        if path.name.startswith(".") or path.suffix in UNFINISHED:
            continue
        try:
            if path.is_file():
                found.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:
            continue
    return [WaitingFile(path, path.parent.name) for _, path in sorted(found)]


def mapping_of(home: Home, folder: str) -> str:
    """What `load_mapping` is to be asked for: the installation's own mapping of that name, or a shipped one."""
    own = home.mappings / f"{folder}.yaml"
    return str(own) if own.exists() else folder


def is_whole(path: Path, now: float) -> bool:
    """Whether nobody seems to be writing the file any more; `now` in seconds since the epoch."""
    quiet = now - path.stat().st_mtime
    if quiet < QUIET_SECONDS:
        return False
    written = being_written(path)
    if written:
        return False
    if written is None or not _ends_well(path):
        return quiet >= DOUBTFUL_SECONDS
    return True


def being_written(path: Path) -> bool | None:
    """Whether any process has the file open for writing; None where the file system does not tell.

    The system grants a read lease only on a file that nobody writes to.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # The usual signal of a broken lease would end the process; this one is ignored unless somebody waits.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def _ends_well(path: Path) -> bool:
    """Whether the file ends as a whole one does: text with the end of a line, anything else as it will."""
    if path.suffix.lower() not in _TEXT_SUFFIXES:
        return True
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - 1, 0))
        return stream.read(1) == _LINE_END
