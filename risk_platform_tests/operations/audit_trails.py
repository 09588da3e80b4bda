"""Filled stores with signed heads, and what a verification says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from risk_platform.audit.findings import Finding
from risk_platform.audit.heads import SignedHead
from risk_platform.audit.keeping import (
    HeadKeeper,
    exported_heads,
    heads_file,
    public_key_file,
    read_public_key,
)
from risk_platform.operations.audit_verify import Verification, verify_trail
from risk_platform.operations.store import Store, StoreWriter
from risk_platform_tests.operations.runs import payment_run

RUNS = 11
SIGNED = (4, 7, 11)


def silent(name: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@contextmanager
def fill(store: Store, home: Path, runs: int = RUNS) -> Iterator[StoreWriter]:
    """Runs of two payments, one of which alerts, with heads signed on the way; more may be written."""
    heads = store.heads(HeadKeeper.open(home))
    with store.writer() as writer:
        for at in range(runs):
            first = 1 + 2 * at
            writer.commit([payment_run(first, [f"T{first}", f"T{first + 1}"], [0.1, 0.9])])
            if at + 1 in SIGNED:
                assert heads.publish(first) is not None
        yield writer


def heads_of(home: Path) -> list[SignedHead]:
    return exported_heads(heads_file(home), read_public_key(public_key_file(home)))


def verified(store: Store, home: Path) -> Verification:
    return verify_trail(store._engine, heads_of(home), silent)


def found(store: Store, home: Path) -> Finding:
    finding = verified(store, home).finding
    assert finding is not None
    return finding
