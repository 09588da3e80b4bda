"""The landing folder for history: `landing/history/<mapping>/<file>`; the folder's name says how to read the file."""

from dataclasses import dataclass
from pathlib import Path

from risk_platform.home import Home

# A file is taken when it has been left alone this long, so that a copy in progress is not read half.
SETTLED_SECONDS = 10.0
_UNFINISHED = (".part", ".tmp", ".crdownload")


@dataclass(frozen=True)
class LandedFile:
    """One file in the landing folder and the mapping it is to be read with."""

    path: Path
    mapping: str
    size: int
    modified: float

    @property
    def state(self) -> str:
        """Changes when the file does, so that each state of a file is requested once."""
        return f"{self.mapping}/{self.path.name}:{self.size}:{self.modified:.6f}"


def landed_files(home: Home) -> list[LandedFile]:
    """The files lying in the landing folder, by mapping and name; hidden and unfinished ones left out."""
    return [
        LandedFile(path, _mapping_of(home, path.parent.name), path.stat().st_size, path.stat().st_mtime)
        for path in sorted(home.landing_history.glob("*/*"))
        if path.is_file() and not path.name.startswith(".") and path.suffix not in _UNFINISHED
    ]


def settled(files: list[LandedFile], now: float) -> list[LandedFile]:
    """Those that were last written at least SETTLED_SECONDS before `now` (seconds since the epoch)."""
    return [file for file in files if now - file.modified >= SETTLED_SECONDS]


def _mapping_of(home: Home, folder: str) -> str:
    own = home.mappings / f"{folder}.yaml"
    return str(own) if own.exists() else folder
