"""Processes that hold claims: each keeps a file locked for as long as it lives, so that others can tell."""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path


class Worker:
    """This process among those of an installation, whose locked files lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.name = secrets.token_hex(8)
        for left in folder.glob("*.lock"):
            self.is_gone(left.stem)
        # Nobody is to find it before it is locked.
        unfinished = folder / self.name
        self._descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        unfinished.rename(self._file(self.name))

    def is_gone(self, name: str) -> bool:
        """Whether the process of that name has ended, however it did."""
        try:
            descriptor = os.open(self._file(name), os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        with suppress(FileNotFoundError):
            self._file(name).unlink()
        return True

    def close(self) -> None:
        """End as a holder of claims."""
        self._file(self.name).unlink(missing_ok=True)
        os.close(self._descriptor)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.lock"
