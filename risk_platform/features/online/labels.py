"""Labels become known: verdicts as they come; known good by age alone needs no entry.

A payment that nobody reported counts as known good from its event time and the maturity on, so its place in the list
of payments says all about it. Turns are the rest: verdicts, and payments that arrived when they were mature already.
"""

import numpy as np

from risk_platform.features.online.kernel import Ints, Scalar, kernel, part
from risk_platform.features.online.ledger import HORIZON, MATURITY
from risk_platform.features.online.rows import (
    BITS,
    EARLY_BIT,
    FIRST,
    FOUND_BIT,
    FRAUD_BIT,
    HELD_SHIFT,
    NEXT,
    RANK,
    TIME,
    Rows,
    Turns,
    row_of,
)


@kernel
def judge(verdicts: Ints, limits: Ints, rows: Rows, turns: Turns) -> None:
    """Note the verdicts: (payment number, known µs, is_fraud); the caller has seen to the room."""
    for at in range(len(verdicts)):
        number, known, is_fraud = verdicts[at, 0], verdicts[at, 1], verdicts[at, 2]
        moment = rows.wide[row_of(rows, number), TIME]
        if known <= moment + limits[HORIZON]:
            turn(number, known, is_fraud, moment + limits[MATURITY] < known, rows, turns)


@part
def turn(
    number: Scalar, moment: Scalar, is_fraud: Scalar, known_good: Scalar, rows: Rows, turns: Turns
) -> None:
    """Note what payment `number` is found to be at `moment`, unless it is that already.

    `known_good` says whether it counts as that by its age when nothing else was found.
    """
    row = row_of(rows, number)
    bits = np.int64(rows.cells[row, BITS])
    found = bits >> FOUND_BIT & 1
    if found:
        if bits >> FRAUD_BIT & 1 == is_fraud:
            return
    elif known_good and not is_fraud:
        return
    early = 1 if not found and not known_good else 0
    bits = bits & ~(1 << FRAUD_BIT) | 1 << FOUND_BIT | early << EARLY_BIT | is_fraud << FRAUD_BIT
    rows.cells[row, BITS] = bits
    rows.cells[row, RANK] += 1 << HELD_SHIFT
    at = turns.span[NEXT] - turns.span[FIRST]
    turns.ints[at, 0] = moment
    turns.ints[at, 1] = 4 * number + 2 * early + is_fraud
    turns.span[NEXT] += 1
