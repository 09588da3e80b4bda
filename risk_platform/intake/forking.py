"""Work done in a forked child: it sees the memory as it was, and holds nothing that its parent owns."""

import ctypes
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

_LOG = logging.getLogger(__name__)
_DIE_WITH_PARENT = 1
_FIRST_OWN = 3


def forked(work: Callable[[], None]) -> int:
    """Begin `work` in a child and return its process; it may write files, and must touch no connection or lock.

    The child dies with its parent, where the system is Linux. Its exit code is 0 when the work was done.
    """
    library = ctypes.CDLL(None)
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        _let_go(library, parent)
        work()
        code = 0
    except Exception:  # noqa: BLE001 - whatever it is, the exit code says so
        _LOG.exception("The forked child failed.")
    finally:
        # Nothing of the parent's may be closed, flushed or ended a second time.
        os._exit(code)


def exit_code(child: int) -> int:
    """Wait for a child and return its exit code, negative for the signal that ended it."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _let_go(library: ctypes.CDLL, parent: int) -> None:
    # A collected connection would end its database session, and an open lock file would keep the store owned.
    gc.disable()
    os.closerange(_FIRST_OWN, os.sysconf("SC_OPEN_MAX"))
    if sys.platform == "linux":
        library.prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
