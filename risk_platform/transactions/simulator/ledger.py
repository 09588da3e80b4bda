"""Payments in the making: plain numpy columns of codes, before they become Arrow tables."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NONE = -1
# Stands in an episode for what the payer would do anyway, until the episode is completed.
OWN = -2
LEGITIMATE = 0


class Channel(IntEnum):
    """Rails, in the canonical spelling."""

    UPI = 0
    CARD = 1
    IMPS = 2
    NEFT = 3
    RTGS = 4
    NETBANKING = 5
    WALLET = 6
    ATM = 7
    AEPS = 8


class PaymentKind(IntEnum):
    """What a payment is for, in the canonical spelling (upper case here)."""

    PURCHASE = 0
    TRANSFER = 1
    CASH = 2
    REFUND = 3


class Status(IntEnum):
    """How a payment ended, in the canonical spelling (upper case here)."""

    COMPLETED = 0
    DECLINED = 1
    ATTEMPTED = 2
    REVERSED = 3


@dataclass(frozen=True)
class Ledger:
    """Equal-length columns, one entry per payment.

    Times are milliseconds since 1970 UTC; parties, cities and categories are positions in the world;
    instruments, devices and networks are code numbers; -1 is none. `typology` 0 is legitimate, `episode`
    numbers the fraud episode.
    """

    time_ms: Ints
    payer: Ints
    payee: Ints
    amount_minor: Ints
    channel: Ints
    kind: Ints
    status: Ints
    category: Ints
    instrument: Ints
    device: Ints
    network: Ints
    city: Ints
    typology: Ints
    episode: Ints

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, index: Ints | Bools) -> "Ledger":
        """The payments at `index` (positions or mask), in that order."""
        return Ledger(*(getattr(self, field.name)[index] for field in fields(self)))

    def by_time(self) -> "Ledger":
        """The same payments in the order of their times; ties keep their order."""
        return self.take(np.argsort(self.time_ms, kind="stable"))


_COLUMNS = tuple(column.name for column in fields(Ledger) if column.name != "time_ms")


def ledger(time_ms: Ints, **columns: Ints | int) -> Ledger:
    """A ledger of the given columns, scalars repeated; what is not named is none (kind, status: first)."""
    n = len(time_ms)
    defaults = {"kind": 0, "status": 0, "typology": LEGITIMATE}
    filled = {}
    for name in _COLUMNS:
        value = columns.get(name, defaults.get(name, NONE))
        filled[name] = (
            np.full(n, value, dtype=np.int64)
            if isinstance(value, int)
            else value.astype(np.int64, copy=False)
        )
    return Ledger(time_ms=time_ms, **filled)


def concatenate(parts: Iterable[Ledger]) -> Ledger:
    """All payments of `parts`, one after the other."""
    whole = list(parts)
    if not whole:
        return ledger(np.empty(0, dtype=np.int64))
    return Ledger(
        *(np.concatenate([getattr(part, field.name) for part in whole]) for field in fields(Ledger))
    )
