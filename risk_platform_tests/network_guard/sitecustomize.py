"""Put on PYTHONPATH, it makes every Python process write down the hosts it asks for, and refuse the outside ones."""

import os
import sys

_LOG = os.environ["NETWORK_GUARD_LOG"]
_LOCAL = ("127.", "::1", "localhost", "0.0.0.0", "::")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host)
    if host is not None and not name.startswith(_LOCAL) and name != os.uname().nodename:
        with open(_LOG, "a") as log:  # noqa: PTH123 - pathlib is not imported this early
            log.write(f"{os.getpid()} {sys.argv[:2]} {name}\n")
        raise OSError(f"network guard: {name} is outside")


sys.addaudithook(_watch)
