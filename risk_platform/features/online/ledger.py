"""What is kept of payments beside their rows: who they are, who takes part, which share an instant."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from risk_platform.features.online.index import Index, index_with_room, new_index
from risk_platform.features.online.kernel import Bytes, Codes, Floats, Ints, Words, grown
from risk_platform.features.online.rows import NEXT, Rows
from risk_platform.features.online.table import USED, Table, new_table, with_room

NEWEST, INSTANTS_DROPPED, TEXT_FIRST, TEXT_NEXT, ROWS_DROPPED, TURNS_DROPPED = range(6)
# Limits (µs): age of known good, and how long rows, ties and turns are kept and how late a verdict counts.
MATURITY, HORIZON, ROW_REACH, TIE_REACH, TURN_REACH = range(5)


@dataclass(frozen=True)
class Limits:
    """Durations in µs: age of known good, how late a report counts, how late a payment may come."""

    maturity: int
    horizon: int
    tolerance: int


class Ledger(NamedTuple):
    """What is kept of payments beside their rows.

    `payments` finds a payment by the hash of (source, transaction_id); `spaces` are the identifiers of each id space,
    `users` how many live rows name each; `instants` finds the newest payment of an event time, `latest` its number;
    `text` holds the identifiers of recent payments, from offset clock[TEXT_FIRST] on.
    """

    payments: Index
    spaces: tuple[Table, ...]
    users: tuple[Codes, ...]
    instants: Table
    latest: Ints
    text: Bytes
    clock: Ints


class Arrivals(NamedTuple):
    """New payments: event and known time (µs), whole-number measures, hashes of identifiers, bits, own ids.

    `base` (payments × BASE_NUMBERS) and `texts` (BASE_TEXTS × payments) are what expressions read of them. `early` are
    verdicts that came before their payment: (position, is_fraud, known) in order.
    """

    time: Ints
    known: Ints
    ints: Ints
    words: Words
    bits: Codes
    identity: Words
    offsets: Codes
    text: Bytes
    base: Floats
    texts: Words
    early: Ints


def new_ledger(spaces: int) -> Ledger:
    """The ledger of no payments, with so many id spaces."""
    room = 64
    return Ledger(
        new_index(),
        tuple(new_table(room) for _ in range(spaces)),
        tuple(np.zeros(room, np.int32) for _ in range(spaces)),
        new_table(room),
        np.zeros(room, np.int64),
        np.zeros(1024, np.uint8),
        np.array([-(1 << 62), 0, 0, 0, 0, 0], np.int64),
    )


def ledger_with_room(ledger: Ledger, rows: Rows, payments: int, text: int) -> Ledger:
    """`ledger`, or larger copies of its parts, for so many further payments and bytes of text."""
    if _has_room(ledger, payments, text):
        return ledger
    spaces = tuple(with_room(space, 2 * payments) for space in ledger.spaces)
    instants = with_room(ledger.instants, payments)
    needed = int(ledger.clock[TEXT_NEXT] - ledger.clock[TEXT_FIRST]) + text
    length = len(ledger.text)
    while length < needed:
        length *= 2
    return Ledger(
        index_with_room(
            ledger.payments, payments, rows, int(ledger.clock[ROWS_DROPPED]), int(rows.span[NEXT])
        ),
        spaces,
        tuple(_as_long_as(users, space) for users, space in zip(ledger.users, spaces, strict=True)),
        instants,
        _as_long_as(ledger.latest, instants),
        ledger.text if length == len(ledger.text) else grown(ledger.text, length),
        ledger.clock,
    )


def _has_room(ledger: Ledger, payments: int, text: int) -> bool:
    tables = ((2 * payments, ledger.spaces), (payments, (ledger.instants,)))
    return (
        int(ledger.clock[TEXT_NEXT] - ledger.clock[TEXT_FIRST]) + text <= len(ledger.text)
        and 4 * (int(ledger.payments.used[0]) + payments) <= 3 * len(ledger.payments.slots)
        and all(
            int(table.counts[USED]) + more <= len(table.keys) for more, those in tables for table in those
        )
    )


def _as_long_as(array: npt.NDArray[Any], table: Table) -> npt.NDArray[Any]:
    return array if len(array) == len(table.keys) else grown(array, len(table.keys))
