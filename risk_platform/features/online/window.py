"""Where the windows of a payment begin in a list, and what accumulators grow by within each."""

import numpy as np

from risk_platform.features.online.host import (
    ADDS,
    ADDS_END,
    EDGES,
    EDGES_END,
    FEW,
    FROM,
    HIGH,
    KIND,
    LIST,
    LOW,
    MANY,
    NEED,
    NOTHING,
    SAWTOOTH,
    TURNED,
    WIDTH,
    HostPlan,
    Space,
    list_of,
)
from risk_platform.features.online.kernel import Ints, Scalar, inline, part
from risk_platform.features.online.log import position
from risk_platform.features.online.measure import sum_value
from risk_platform.features.online.pool import END, HEAD, SHIFT, START, Log, in_blocks
from risk_platform.features.online.rows import (
    EXPLICIT,
    NO_CODE,
    PAYMENTS,
    Rows,
    Turns,
    bits_of,
    code_of,
    moment_of,
    payment_of,
)
from risk_platform.features.online.strip import HOUR, lay_out, see_strip


@inline
def _overlook(source: Scalar, edges: Scalar, adds: Scalar, space: Space) -> None:
    """See nothing of a source."""
    space.at[source, LOW], space.at[source, HIGH], space.at[source, KIND] = 0, 0, NOTHING
    for e in range(edges):
        space.places[source, e] = 0
        for a in range(adds):
            space.sums[source, e, a] = 0


@inline
def look(
    stream: Scalar,
    stage: Scalar,
    ask: Ints,
    code: Scalar,
    match: Scalar,
    own: Scalar,
    moment: Scalar,
    bound: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> None:
    """See what the list of `code` holds before `bound` (µs), of entries whose code `match` is `own` where there is one.

    The windows are those of a payment at `moment`.
    """
    source = 1 if stream == EXPLICIT else 0
    key = list_of(code, source)
    edges = ask[EDGES_END] - ask[EDGES]
    if edges == 0 or log.spans[key, HEAD] == log.spans[key, END]:
        _overlook(source, edges, ask[ADDS_END] - ask[ADDS], space)
        return
    shift = plan.shift if source == 0 and stream != PAYMENTS else np.int64(0)
    for e in range(edges):
        edge = plan.edges[ask[EDGES] + e]
        begin = moment - edge[WIDTH]
        space.begins[e] = (begin // HOUR * HOUR if edge[SAWTOOTH] else begin) - shift
    space.at[source, LIST] = key
    if source == 0 and space.laid[0] != code:
        lay_out(code, key, moment, plan.narrows >> stage & 1, plan, log, space, rows)
    if source == 0 and space.laid[1] >= 0:
        see_strip(bound - shift, ask, match, own, plan, space)
    else:
        _see_list(source, bound - shift, ask, match, own, plan, log, space, rows, turns)


@inline
def _see_list(
    source: Scalar,
    bound: Scalar,
    ask: Ints,
    match: Scalar,
    own: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> None:
    """Add up turns, or payments of a long list, before `bound`."""
    at, sums, places = space.at[source], space.sums[source], space.places[source]
    stream = EXPLICIT if source else PAYMENTS
    key = at[LIST]
    at[FROM], at[LOW] = log.spans[key, START], log.spans[key, HEAD]
    at[HIGH] = position(stream, bound, at[FROM], at[LOW], np.int64(log.spans[key, END]), log, rows, turns)
    at[KIND] = MANY if in_blocks(log, key) and match == NO_CODE else FEW
    edges, end = ask[EDGES_END] - ask[EDGES], at[HIGH]
    if at[HIGH] == at[LOW]:
        _overlook(source, edges, ask[ADDS_END] - ask[ADDS], space)
        return
    if at[KIND] == FEW:
        _go_back(ask, match, own, plan, log, space, rows, turns)
        return
    adds = ask[ADDS_END] - ask[ADDS]
    for e in range(-1, edges):
        need = np.int64(-1) if e < 0 else plan.edges[ask[EDGES] + e, NEED]
        if e >= 0:
            end = position(stream, space.begins[e], at[FROM], at[LOW], end, log, rows, turns)
            places[e] = end
            if need == 0:
                continue
        out = sums[edges] if e < 0 else sums[e]
        _prefixes(stream, ask, end, need, out, plan, log, key, rows, turns)
        for a in range(adds if e >= 0 else 0):
            sums[e, a] = sums[edges, a] - sums[e, a]


@part
def _go_back(
    ask: Ints,
    match: Scalar,
    own: Scalar,
    plan: HostPlan,
    log: Log,
    space: Space,
    rows: Rows,
    turns: Turns,
) -> None:
    """Add up turns one by one from the newest on."""
    at, sums, places = space.at[1], space.sums[1], space.places[1]
    edges = ask[EDGES_END] - ask[EDGES]
    high = at[HIGH] if match == NO_CODE else np.int64(len(space.turned))
    place = high
    e = 0
    sums[edges, : ask[ADDS_END] - ask[ADDS]] = 0
    for i in range(at[HIGH] - 1, at[LOW] - 1, -1):
        ref = np.int64(log.pool[at[FROM] + i])
        row = payment_of(EXPLICIT, ref, rows, turns)
        when = moment_of(EXPLICIT, 0, ref, rows, turns)
        while e < edges and when < space.begins[e]:
            _close(e, place, edges, sums, places)
            e += 1
        if match != NO_CODE:
            if code_of(rows, row, match) != own:
                continue
            space.turned[place - 1] = ref
        place -= 1
        bits = bits_of(EXPLICIT, ref, row, rows, turns)
        for a in range(ask[ADDS_END] - ask[ADDS]):
            sums[edges, a] += sum_value(plan.found_adds[plan.uses[ask[ADDS] + a]], row, bits, rows)
    for rest in range(e, edges):
        _close(rest, place, edges, sums, places)
    if match != NO_CODE:
        at[FROM], at[LOW], at[HIGH], at[KIND] = 0, place, high, TURNED


@inline
def _close(e: Scalar, place: Scalar, edges: Scalar, sums: Ints, places: Ints) -> None:
    """Note that window `e` begins at `place`."""
    places[e] = place
    for a in range(sums.shape[1]):
        sums[e, a] = sums[edges, a]


@inline
def _prefixes(
    stream: Scalar,
    ask: Ints,
    place: Scalar,
    need: Scalar,
    out: Ints,
    plan: HostPlan,
    log: Log,
    key: Scalar,
    rows: Rows,
    turns: Turns,
) -> None:
    """The accumulators in `need` of a list just before `place`; only differences of two such mean something."""
    start, head = np.int64(log.spans[key, START]), np.int64(log.spans[key, HEAD])
    # A full list ends at a block that was never begun.
    block = min(place, np.int64(log.spans[key, END]) - 1) >> SHIFT
    adds = ask[ADDS_END] - ask[ADDS]
    kept = plan.kept[1 if stream == EXPLICIT else 0]
    table = plan.found_adds if stream == EXPLICIT else plan.paid_adds
    for a in range(adds):
        use = plan.uses[ask[ADDS] + a]
        out[a] = log.sums[(start >> SHIFT) + block, use] if use < kept else 0
    for at in range(max(head, block << SHIFT), place):
        ref = np.int64(log.pool[start + at])
        row = payment_of(stream, ref, rows, turns)
        bits = bits_of(stream, ref, row, rows, turns)
        for a in range(adds):
            if need >> a & 1:
                out[a] += sum_value(table[plan.uses[ask[ADDS] + a]], row, bits, rows)
