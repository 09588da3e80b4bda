"""One entity's part of the state: its keys, the list of each in both streams, and the step over a batch."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.kernel import Ints, grown
from risk_platform.features.online.operators import Scratch
from risk_platform.features.online.pool import (
    Log,
    LogPlan,
    new_log,
    with_entries,
)
from risk_platform.features.online.table import USED, Table, new_table, with_room

# Progress: payments and turns whose entries are dropped, turns that are entered, and what the step waits for.
PAYMENTS_DROPPED, TURNS_DROPPED, TURNS_ENTERED, WAITS_FOR = 0, 1, 2, 3
KEYS, PAYMENT_ROOM, TURN_ROOM = 1, 2, 3
SECOND = 1_000_000


class UnitPlan(NamedTuple):
    """Code columns of the key asked for and of the key entered under (-1: no second one), and what each log answers.

    `used` says which of the streams is, `reach` how long (µs) each keeps its entries.
    """

    key: Ints
    seen: Ints
    used: Ints
    reach: Ints
    payments: LogPlan
    resolutions: LogPlan


class Unit(NamedTuple):
    """State of one entity."""

    keys: Table
    payments: Log
    resolutions: Log
    progress: Ints


class Space(NamedTuple):
    """Working space of a unit; `found` is the key under which each payment of a batch is entered, -1 for none yet."""

    payments: Scratch
    resolutions: Scratch
    found: Ints


class Batch(NamedTuple):
    """New payments from number `first` on: known times, newest event time so far, turns known before each."""

    first: int
    known: Ints
    newest: Ints
    turns: Ints


def new_unit(plan: UnitPlan) -> Unit:
    """The state of an entity nobody was seen of."""
    keys = new_table()
    room = len(keys.keys)
    return Unit(keys, new_log(plan.payments, room), new_log(plan.resolutions, room), np.zeros(4, np.int64))


def space_for(plan: UnitPlan, codes: int, payments: int) -> Space:
    """Working space for `codes` different codes and batches of `payments`."""
    seen = np.zeros(codes + 1, np.int64)
    payments_space, resolutions_space = (
        Scratch(
            np.zeros(len(log.edges) + 1, np.int64),
            np.zeros((len(log.edges) + 2, len(log.adds)), np.int64),
            seen,
        )
        for log in (plan.payments, plan.resolutions)
    )
    return Space(payments_space, resolutions_space, np.zeros(payments, np.int64))


def roomier(unit: Unit) -> Unit:
    """`unit` with more of what its step waits for."""
    wanted = unit.progress[WAITS_FOR]
    if wanted == PAYMENT_ROOM:
        return unit._replace(payments=with_entries(unit.payments, 2 * len(unit.payments.pool)))
    if wanted == TURN_ROOM:
        return unit._replace(resolutions=with_entries(unit.resolutions, 2 * len(unit.resolutions.pool)))
    room = 2 * len(unit.keys.keys)
    return Unit(
        with_room(unit.keys, room - int(unit.keys.counts[USED])),
        unit.payments._replace(spans=grown(unit.payments.spans, room)),
        unit.resolutions._replace(spans=grown(unit.resolutions.spans, room)),
        unit.progress,
    )
