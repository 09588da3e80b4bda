"""Snapshots of the feature state: written whole or not at all, believed only where they fit the inbox."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from risk_platform.errors import ServiceError
from risk_platform.intake.core import Core
from risk_platform.intake.forking import exit_code, forked
from risk_platform.lake.durability import sync_file
from risk_platform.operations.records import Tail
from risk_platform.operations.store import Reached, Store

_MANIFEST = "snapshot.json"
_STATE = "features"
# The one before is kept in case the newest cannot be read.
_KEPT = 2


@dataclass(frozen=True)
class Snapshot:
    """A stored feature state, and the end of the inbox that it stands for."""

    state: Path
    tail: Tail


class Snapshots:
    """The snapshots of one store, in one folder."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store

    def start(self, core: Core, reached: Reached) -> "SnapshotWriting":
        """Begin to write the state of `core`, everything of which is committed.

        A forked child writes it: what it sees stays as it is now, while `core` goes on.
        """
        name, manifest = f"{core.tail.sequence:020d}", json.dumps(self._manifest(core.tail))

        def write() -> None:
            unfinished = self._folder / f".{name}.{os.getpid()}"
            shutil.rmtree(unfinished, ignore_errors=True)
            (unfinished / _STATE).mkdir(parents=True)
            core.features.snapshot(unfinished / _STATE)
            (unfinished / _MANIFEST).write_text(manifest)
            _sync(unfinished)
            if not (self._folder / name).exists():
                unfinished.rename(self._folder / name)
                sync_file(self._folder)

        child = forked(write)
        reached("during_snapshot")
        return SnapshotWriting(self._folder, self._folder / name, child)

    def usable(self) -> Iterator[Snapshot]:
        """The snapshots that stand for a point of this inbox, the newest first."""
        for folder in sorted(self._folder.glob("[0-9]*"), reverse=True):
            try:
                manifest = json.loads((folder / _MANIFEST).read_bytes())
                tail = Tail(int(manifest["sequence"]), int(manifest["known_time"]))
            except (OSError, ValueError, KeyError):
                continue
            if self._store.leaf_at(tail.sequence) is not None and manifest == self._manifest(tail):
                yield Snapshot(folder / _STATE, tail)

    def _manifest(self, tail: Tail) -> dict[str, object]:
        """The audit leaf tells this inbox from another, or from one that was restored from an older copy."""
        leaf = self._store.leaf_at(tail.sequence) or ""
        digest = hashlib.sha256(leaf.encode()).hexdigest()
        return {"sequence": tail.sequence, "known_time": tail.known_time, "leaf": digest}


@dataclass(frozen=True)
class SnapshotWriting:
    """A snapshot that the process `child` writes into `folder`."""

    folder: Path
    finished: Path
    child: int

    def wait(self) -> Path:
        """The folder of the snapshot, once it is on disk; older ones and unfinished ones are gone then.

        Raises ServiceError when it could not be written.
        """
        if ended := exit_code(self.child):
            raise ServiceError(
                f"The snapshot {self.finished} was not written (exit code {ended}); the one before it counts."
            )
        for old in sorted(self.folder.glob("[0-9]*"), reverse=True)[_KEPT:]:
            shutil.rmtree(old)
        for unfinished in self.folder.glob(".[0-9]*"):
            shutil.rmtree(unfinished)
        return self.finished


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        sync_file(path)
