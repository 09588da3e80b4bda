"""What the online engine refuses: batches out of order, payments too late, too early, twice or too large."""

import numpy as np
import pyarrow as pa

from risk_platform.errors import ContractError
from risk_platform.features.online import arrivals as arriving
from risk_platform.features.online.early import Verdict
from risk_platform.features.online.kernel import Bools, Ints, Scalar, kernel
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.measure import LARGEST
from risk_platform.features.online.state import State
from risk_platform.kernels import settling

# Why a payment is refused, the first reason first.
_ORDER, _LATE, _AHEAD, _BEFORE_1970, _LARGE, _FINE = range(6)
_WHY = {
    _LATE: "is further behind the newest event than the tolerance",
    _AHEAD: "is further ahead of its known_time than the tolerance",
    _BEFORE_1970: "is from before 1970",
    _LARGE: f"has an amount of {LARGEST} minor units or more, for which sums are not exact",
}
_NEVER_LATE = 1 << 61
_REPORT_ORDER = [("known_time", "ascending"), ("is_fraud", "ascending"), ("judgement_id", "ascending")]


def refuse(
    state: State,
    payments: pa.RecordBatch,
    arrivals: Arrivals,
    partitions: frozenset[int] | None,
    *,
    late: bool,
) -> None:
    """Raise ContractError, naming the first payment, for a batch that may not be observed."""
    tolerance = state.limits.tolerance
    behind = tolerance if late else _NEVER_LATE
    why, at = _first_refused(arrivals, state.last_known, state.newest, behind, tolerance)
    if why == _ORDER:
        raise ContractError(
            "The payments are not in the order in which they became known; sort by known_time."
        )
    if why != _FINE:
        raise _refused(payments, at, _WHY[why])
    twice = state.numbers_of(arrivals.identity) >= 0
    if len(set(arrivals.identity.tolist())) < len(twice):
        first = np.unique(arrivals.identity, return_index=True)[1]
        twice[np.setdiff1d(np.arange(len(twice)), first)] = True
    if twice.any():
        raise _refused(payments, int(np.argmax(twice)), "was observed before")
    if partitions is not None:
        foreign = ~np.isin(payments["partition"].to_numpy(zero_copy_only=False), list(partitions))
        if foreign.any():
            raise _refused(
                payments, int(np.argmax(foreign)), "is of a partition that this engine does not own"
            )


def report(state: State, judgements: pa.Table) -> None:
    """Note the verdicts; those on payments that did not arrive yet wait for them."""
    if judgements.num_rows == 0:
        return
    judgements = judgements.sort_by(_REPORT_ORDER)
    known = arriving.micros(judgements["known_time"])
    if known[0] < state.last_known:
        raise ContractError(
            "A judgement is older than what was observed or reported before it; report in order."
        )
    words = arriving.identities_of(judgements)
    fraud = judgements["is_fraud"].to_numpy()
    numbers = state.numbers_of(words)
    for at in np.flatnonzero(numbers < 0).tolist():
        name = judgements["judgement_id"][at].as_py()
        state.early.add(int(words[at]), Verdict(bool(fraud[at]), name, int(known[at])))
    there = numbers >= 0
    state.judge(np.stack([numbers[there], known[there], fraud[there].astype(np.int64)], axis=1))
    state.last_known = int(known[-1])


def too_late(state: State, moments: Ints) -> Bools:
    """Which event times (µs) are further behind the newest so far than the tolerance."""
    newest = np.maximum.accumulate(np.maximum(moments, state.newest))
    late: Bools = moments < newest - state.limits.tolerance
    return late


def _refused(payments: pa.RecordBatch, at: int, why: str) -> ContractError:
    source, name = payments["source"][at].as_py(), payments["transaction_id"][at].as_py()
    return ContractError(f"Payment {source}:{name} {why}; nothing of its batch was observed.")


@settling
@kernel
def _first_refused(
    arrivals: Arrivals, last_known: Scalar, newest: Scalar, late: Scalar, ahead: Scalar
) -> tuple[Scalar, Scalar]:
    """What is wrong first with the arrivals, in the order of the reasons, and with which.

    `late` and `ahead` are how far (µs) a payment may be behind the newest event, and ahead of its known time.
    """
    worst, place = _FINE, 0
    for at in range(len(arrivals.time)):
        moment, known = arrivals.time[at], arrivals.known[at]
        newest = max(newest, moment)
        why = _FINE
        if known < last_known:
            why = _ORDER
        elif moment < newest - late:
            why = _LATE
        elif moment > known + ahead:
            why = _AHEAD
        elif moment < 0:
            why = _BEFORE_1970
        else:
            for amount in arrivals.ints[at]:
                if abs(amount) >= LARGEST:
                    why = _LARGE
        last_known = known
        if why < worst:
            worst, place = why, at
    return worst, place
