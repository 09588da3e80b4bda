"""What only harms: slow and endless heads and bodies, requests that are none. Told, closed, and nothing is stored."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from risk_platform.api.protocol import HEAD_SECONDS
from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import Site, recent
from risk_platform_tests.api.test_transactions import ONE, stored_tail

LIVE = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n"


@contextmanager
def connection(site: Site) -> Iterator[socket.socket]:
    address = urlsplit(site.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60) as plain:
        yield plain


def answer(plain: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    while part := plain.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def head(site: Site, *more: str) -> bytes:
    token = site.client(Role.SERVICE).headers["Authorization"]
    lines = (f"POST {ONE} HTTP/1.1", "Host: localhost", f"Authorization: {token}", *more)
    return "\r\n".join(lines).encode()


def test_a_head_that_drips_is_given_up_and_nobody_else_waits(running: Site) -> None:
    before, began = stored_tail(running), time.monotonic()
    with connection(running) as slow, connection(running) as silent, connection(running) as second:
        slow.sendall(head(running))
        second.sendall(LIVE + b"\r\n")
        assert second.recv(65_536).startswith(b"HTTP/1.1 200 ")
        second.sendall(LIVE)
        while time.monotonic() - began < HEAD_SECONDS / 2:
            slow.sendall(b"\r\nX-Drip: 1")
            assert running.anonymous().get("/api/v1/health/live").status_code == 200
            time.sleep(1)
        told = answer(slow)
        assert answer(silent).startswith(b"HTTP/1.1 408 ")
        assert b"HTTP/1.1 408 " in answer(second)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in told
    assert time.monotonic() - began < HEAD_SECONDS + 10
    assert stored_tail(running) == before


def test_an_endless_head_is_refused(running: Site) -> None:
    with connection(running) as plain:
        plain.sendall(head(running, "X-Long: " + "x" * 100_000))
        assert answer(plain).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("line", ["nonsense", "GET / HTTP/9.9", "POST " + "/" * 70_000 + " HTTP/1.1", "\x00"])
def test_what_is_no_request_is_refused(running: Site, line: str) -> None:
    with connection(running) as plain:
        plain.sendall(line.encode() + b"\r\nHost: localhost\r\n\r\n")
        plain.shutdown(socket.SHUT_WR)
        assert answer(plain)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 401", b"HTTP/1.1 404")


@pytest.mark.parametrize(
    ("more", "body"),
    [
        (("Content-Length: 50",), b"{"),
        (("Transfer-Encoding: chunked",), b'5\r\n{"a":\r\n'),
        (("Content-Length: -1",), b"{}"),
        (("Content-Length: 2", "Transfer-Encoding: chunked"), b"{}"),
        (("Transfer-Encoding: chunked",), b"zz\r\n{}\r\n"),
    ],
)
def test_a_body_that_is_cut_or_lies_stores_nothing(running: Site, more: tuple[str, ...], body: bytes) -> None:
    before = stored_tail(running)
    with connection(running) as plain:
        plain.sendall(head(running, "Content-Type: application/json", *more) + b"\r\n\r\n" + body)
        plain.shutdown(socket.SHUT_WR)
        assert not answer(plain).startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    assert stored_tail(running) == before
    assert running.client(Role.SERVICE).get("/api/v1/auth/me").status_code == 200


@pytest.mark.parametrize("length", [(1 << 20) + 1, 1 << 40])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(running: Site, length: int) -> None:
    with connection(running) as plain:
        more = ("Content-Type: application/json", f"Content-Length: {length}")
        plain.sendall(head(running, *more) + b"\r\n\r\n{")
        assert plain.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_other_requests_go_on_beside_many_that_stand_still(running: Site) -> None:
    standing = [connection(running) for _ in range(200)]
    for each in standing:
        each.__enter__().sendall(head(running))
    try:
        assert running.client(Role.SERVICE).post(ONE, json=recent(4_000)).status_code in (200, 201)
    finally:
        for each in standing:
            each.__exit__(None, None, None)
