"""Labels become known: verdicts as they come, known good once a payment is old enough."""

from risk_platform.features.online.heap import pop
from risk_platform.features.online.kernel import Ints, Scalar, kernel, part
from risk_platform.features.online.ledger import HORIZON, ROWS_DROPPED, Ledger
from risk_platform.features.online.rows import (
    FIRST,
    FRAUD,
    GOOD,
    HELD,
    LABEL,
    NEXT,
    OPEN,
    TIME,
    Rows,
    Turns,
    row_of,
)


@kernel
def judge(at: Scalar, verdicts: Ints, limits: Ints, ledger: Ledger, rows: Rows, turns: Turns) -> Scalar:
    """Note the verdicts from `at` on: (payment number, known µs, is_fraud); ends early when there is no room."""
    while at < len(verdicts):
        number, known = verdicts[at, 0], verdicts[at, 1]
        if not come_due(known, ledger, rows, turns) or not room_for(1, turns):
            return at
        if known <= rows.ints[row_of(rows, number), TIME] + limits[HORIZON]:
            turn(number, known, verdicts[at, 2] == 1, rows, turns)
        at += 1
    return at


@part
def room_for(more: Scalar, turns: Turns) -> Scalar:
    return bool(turns.span[NEXT] - turns.span[FIRST] + more <= len(turns.ints))


@part
def come_due(until: Scalar, ledger: Ledger, rows: Rows, turns: Turns) -> Scalar:
    """Turn the payments nobody reported that come due before `until` to good; False when there is no room."""
    while ledger.heap.size[0] > 0 and ledger.heap.due[0] < until:
        number = ledger.heap.number[0]
        if number >= ledger.clock[ROWS_DROPPED] and rows.codes[row_of(rows, number), LABEL] == OPEN:
            if not room_for(1, turns):
                return False
            turn(number, ledger.heap.due[0], False, rows, turns)
        pop(ledger.heap)
    return True


@part
def turn(number: Scalar, moment: Scalar, is_fraud: bool, rows: Rows, turns: Turns) -> None:
    """Note what payment `number` is found to be at `moment` unless it is that already."""
    label = FRAUD if is_fraud else GOOD
    row = row_of(rows, number)
    if rows.codes[row, LABEL] == label:
        return
    at = turns.span[NEXT] - turns.span[FIRST]
    turns.ints[at, 0] = moment
    turns.ints[at, 1] = 2 * number + (1 if is_fraud else 0)
    turns.span[NEXT] += 1
    rows.codes[row, LABEL] = label
    rows.codes[row, HELD] += 1
