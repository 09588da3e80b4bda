"""Snapshots of the feature state: written whole or not at all, believed only where they fit the inbox."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from risk_platform.intake.core import Core
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

    def take(self, core: Core, reached: Reached) -> Path:
        """Write the state of `core`, everything of which is committed; returns the snapshot's folder."""
        name = f"{core.tail.sequence:020d}"
        unfinished = self._folder / f".{name}.{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        (unfinished / _STATE).mkdir(parents=True)
        core.features.snapshot(unfinished / _STATE)
        reached("during_snapshot")
        (unfinished / _MANIFEST).write_text(json.dumps(self._manifest(core.tail)))
        _sync(unfinished)
        finished = self._folder / name
        if not finished.exists():
            unfinished.rename(finished)
            sync_file(self._folder)
        self._prune()
        return finished

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

    def _prune(self) -> None:
        for folder in sorted(self._folder.glob("[0-9]*"), reverse=True)[_KEPT:]:
            shutil.rmtree(folder)
        for folder in self._folder.glob(".[0-9]*"):
            shutil.rmtree(folder)


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        sync_file(path)
