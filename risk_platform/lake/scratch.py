"""The folder of this process for what outgrows memory, and the end of those whose process was killed."""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from risk_platform.errors import LakeError

# Until it is locked a folder has another name, or it would look as if its process were gone.
_UNLOCKED, _LOCKED = "risk-lake-new-", "risk-lake-held-"
_turn = threading.Lock()
_folders: dict[tuple[int, str], Path] = {}


def scratch_folder() -> Path:
    """This process's folder below the temp directory, made when it is first asked for.

    It goes with the process, or, where that is killed, when the next process makes its own. The process keeps it
    locked for as long as it lives, so nobody takes the folder of a living one. Raises LakeError when the temp
    directory cannot be written.
    """
    place = tempfile.gettempdir()
    with _turn:
        # A forked process must not lose its folder when the one it came from ends.
        mine = (os.getpid(), place)
        if mine not in _folders:
            try:
                remove_abandoned(Path(place))
                _folders[mine] = _made(Path(place))
            except OSError as error:
                raise LakeError(
                    f"The temp directory {place} cannot be written ({error.strerror}); set TMPDIR to another one."
                ) from error
        return _folders[mine]


def remove_abandoned(place: Path) -> None:
    """Delete the scratch folders of this user in `place` whose process is gone."""
    for folder in place.glob(f"{_LOCKED}*"):
        # It may go, or turn out another's, while it is looked at.
        with suppress(FileNotFoundError, PermissionError, NotADirectoryError):
            _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    if folder.lstat().st_uid != os.geteuid():
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def _made(place: Path) -> Path:
    unlocked = Path(tempfile.mkdtemp(prefix=_UNLOCKED, dir=place))
    # Never closed: the system lets go of the lock when the process ends, however it does.
    fcntl.flock(os.open(unlocked, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_EX)
    folder = unlocked.rename(place / f"{_LOCKED}{uuid4().hex}")
    atexit.register(_remove_own, folder, os.getpid())
    return folder


def _remove_own(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
