"""A real S3-compatible server for the tests, empty, on a free port."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from risk_platform_tests.services import S3_SERVER

_START_SECONDS = 60


@contextmanager
def s3_server(log: Path) -> Iterator[dict[str, str]]:
    """The storage options of a server with one bucket, `bucket`; it is stopped after the body."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(S3_SERVER), "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait(process, address, log)
        make_bucket = urllib.request.Request(f"{address}/bucket", method="PUT")
        urllib.request.urlopen(make_bucket, timeout=30).close()
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "a test key",
            "AWS_SECRET_ACCESS_KEY": "a test secret",
        }
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The S3 server did not start:\n{log.read_text()}") from None
            time.sleep(0.2)
        else:
            return
