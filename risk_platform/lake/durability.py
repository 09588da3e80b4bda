"""What delta-rs leaves out on a local disk: commits are forced to it, and torn ones are refused."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from risk_platform.errors import LakeError

LOG = "_delta_log"


def refuse_torn_commit(table_path: Path) -> None:
    """Raise LakeError, naming the file, when a crash cut short the last commit or a data file of it."""
    commits = _commits(table_path)
    if not commits:
        return
    commit = commits[max(commits)]
    try:
        actions = list(_actions(commit))
    except ValueError as error:
        raise LakeError(
            f"The last commit {commit} was cut short, as by a power failure; "
            "no write that was reported as done is in it: delete that file and run the last write again."
        ) from error
    for path, size in _added(table_path, actions):
        if not path.is_file() or path.stat().st_size != size:
            raise LakeError(
                f"Data file {path} of the last commit is missing or cut short (it must have {size} bytes); "
                f"restore it from a copy, or delete {commit} and run the last write again."
            )


def sync_commits(table_path: Path, after: int) -> None:
    """Force every commit with a version above `after`, its data files and their folders to the disk."""
    log = table_path / LOG
    folders = {table_path.parent, table_path, log}
    for version, commit in _commits(table_path).items():
        if version > after:
            files = [path for path, _ in _added(table_path, list(_actions(commit)))]
            folders.update(path.parent for path in files)
            for path in [*files, commit]:
                sync_file(path)
    for checkpoint in _checkpoints(log, after):
        sync_file(checkpoint)
    for folder in folders:
        sync_file(folder)


def added_files(table_path: Path) -> list[dict[str, Any]]:
    """The `add` actions of every commit in the log, oldest first."""
    commits = _commits(table_path)
    actions = (action for version in sorted(commits) for action in _actions(commits[version]))
    return [action["add"] for action in actions if "add" in action]


def _commits(table_path: Path) -> dict[int, Path]:
    log = table_path / LOG
    if not log.is_dir():
        return {}
    names = (entry.name for entry in os.scandir(log))
    return {int(name[:20]): log / name for name in names if name.endswith(".json") and name[:-5].isdigit()}


def _checkpoints(log: Path, after: int) -> Iterator[Path]:
    for path in log.glob("*.checkpoint*.parquet"):
        if int(path.name[:20]) > after:
            yield path
    pointer = log / "_last_checkpoint"
    if pointer.exists():
        yield pointer


def _actions(commit: Path) -> Iterator[dict[str, Any]]:
    # Only a line feed ends an action: an identifier in its statistics may hold U+0085 or U+2028.
    lines = [line for line in commit.read_bytes().split(b"\n") if line]
    if not lines:
        raise ValueError("no line")
    for line in lines:
        yield json.loads(line)


def _added(table_path: Path, actions: list[dict[str, Any]]) -> Iterator[tuple[Path, int]]:
    for action in actions:
        if "add" in action:
            yield table_path / unquote(action["add"]["path"]), action["add"]["size"]


def sync_file(path: Path) -> None:
    """Force a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
