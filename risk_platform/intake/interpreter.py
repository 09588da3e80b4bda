"""How the interpreter runs an engine: its threads take turns often, and what is loaded is no garbage."""

import gc
import sys

# A caller's request passes three threads; each may wait that long for the interpreter while another computes.
_SWITCH_SECONDS = 0.0005


def switch_often() -> None:
    """Let threads that wait for the interpreter's lock have it soon."""
    sys.setswitchinterval(_SWITCH_SECONDS)


def keep_what_is_loaded() -> None:
    """Never again look through what is loaded by now for garbage: that would hold up every caller for 0.1 s."""
    gc.collect()
    gc.freeze()
