"""The lists of one column of identifiers, and what different views of them are asked for."""

from typing import NamedTuple

import numpy as np

from risk_platform.features.online.columns import INTS
from risk_platform.features.online.kernel import Codes, Ints, Scalar, Words, inline
from risk_platform.features.online.pool import Log
from risk_platform.features.online.tally import Tally

# Progress, as numbers of payments and turns: up to where lists have dropped, taken in and answered.
PAYMENTS_DROPPED, TURNS_DROPPED, TURNS_ENTERED, PAYMENTS_ENTERED, PAYMENTS_ANSWERED = range(5)
# Columns of a view: its stage, the code whose list is asked for, the code of the entries that must be equal to one of
# the payment (NO_CODE: none), and where its operations on payments and on resolutions begin and end.
STAGE, KEY, MATCH, MATCH_KEY, PAID_OPS, PAID_END, FOUND_OPS, FOUND_END = range(8)
# What a view asks of a stream (row 3 × view + stream): where its edges and accumulators are, and whether it looks
# back further than its widest window.
EDGES, EDGES_END, ADDS, ADDS_END, WHOLE = range(5)

# What is seen of a list: where it starts in the pool, its first and last entry and key, and how it is seen.
FROM, LOW, HIGH, LIST, KIND = range(5)
NOTHING, FEW, MANY, STRIP, NARROWED, TURNED = range(6)
# Columns of an edge. NEED are the accumulators asked for at that edge, as bits; ACTIVE how many are needed there or at
# a wider one.
WIDTH, SAWTOOTH, SUMMED, NEED, ACTIVE = range(5)
# Rows of a strip: event times, bits, bits as a narrowed view sees them, rows, references, whole-number measures, and
# words of two codes each that views are narrowed by.
TIMES, FLAGS, OWN, ROWS, REFS, VALUES = range(6)
CODES = VALUES + len(INTS)


class HostPlan(NamedTuple):
    """Payments are entered under the code `seen`; `used` says which of the two kinds of list are.

    `reach` is how long (µs) each keeps its entries, `shift` the age of known good, `strip` how far back
    anything is asked; `narrows` has the bit of each stage in which a view is narrowed to one value of a second code,
    `narrowing` are the columns of `wide` that hold such codes.
    The first `kept` accumulators and maxima of payments and of turns are carried along in the lists. `uses` are the
    accumulators of each stream a view asks, one after the other; `tallies` the distinct counts that long lists keep up
    to date.
    """

    seen: int
    shift: int
    strip: int
    narrows: int
    narrowing: Ints
    used: Ints
    reach: Ints
    kept: Ints
    paid_adds: Ints
    paid_peaks: Ints
    found_adds: Ints
    found_peaks: Ints
    views: Ints
    asks: Ints
    uses: Ints
    edges: Ints
    ops: Ints
    tallies: Ints


class Space(NamedTuple):
    """Working space of one thread, for payments or known good by age (0) and turns (1).

    `at` is the stretch of a list that is seen, `begins` and `places` where windows begin in time and in it, `sums`
    what accumulators grew by within each. `strip` are the newest entries of a list of payments, laid out side by side
    from `laid` (code, place) to the end; `turned` are the turns that match. `marks` are the codes seen so far.
    """

    at: Ints
    begins: Ints
    places: Ints
    sums: Ints
    strip: Ints
    laid: Ints
    turned: Codes
    marks: Words


class Batch(NamedTuple):
    """New payments from number `first` on: known times, newest event time so far."""

    first: int
    known: Ints
    newest: Ints


class Host(NamedTuple):
    """The lists of a column, how far they are, and distinct counts of the long ones."""

    log: Log
    progress: Ints
    tally: Tally


def space_for(plan: HostPlan, longest: int) -> Space:
    """Working space for lists of up to `longest` entries."""
    edges = int((plan.asks[:, EDGES_END] - plan.asks[:, EDGES]).max(initial=0))
    adds = int((plan.asks[:, ADDS_END] - plan.asks[:, ADDS]).max(initial=0))
    marks = 1 << (4 * longest + 1).bit_length()
    return Space(
        np.zeros((2, KIND + 1), np.int64),
        np.zeros(edges + 1, np.int64),
        np.zeros((2, edges + 1), np.int64),
        np.zeros((2, edges + 1, adds), np.int64),
        np.zeros((CODES + len(plan.narrowing), longest), np.int64),
        np.full(2, -1, np.int64),
        np.zeros(longest, np.int32),
        np.zeros(marks, np.uint64),
    )


@inline
def list_of(code: Scalar, source: Scalar) -> Scalar:
    """Key of the list of payments (source 0) or of turns (1) of a code."""
    return 2 * code + source
