"""What the online engine refuses: batches out of order, payments too late, too early, twice or too large."""

import numpy as np
import pyarrow as pa

from risk_platform.errors import ContractError
from risk_platform.features.online import arrivals as arriving
from risk_platform.features.online.early import Verdict
from risk_platform.features.online.kernel import Bools, Ints
from risk_platform.features.online.ledger import Arrivals
from risk_platform.features.online.measure import LARGEST
from risk_platform.features.online.state import State

_REPORT_ORDER = [("known_time", "ascending"), ("is_fraud", "ascending"), ("judgement_id", "ascending")]


def arrivals_of(state: State, payments: pa.RecordBatch, values: arriving.Values) -> Arrivals:
    """The payments as `state` takes them in."""
    offsets, text, identity = arriving.identities_of(payments)
    return Arrivals(
        arriving.micros(payments.column("event_time")),
        arriving.micros(payments.column("known_time")),
        arriving.whole_numbers(values),
        arriving.words_of(values, state.columns.codes),
        arriving.first_bits(values),
        identity,
        offsets,
        text,
        state.early.meet(identity),
    )


def refuse(
    state: State,
    payments: pa.RecordBatch,
    arrivals: Arrivals,
    partitions: frozenset[int] | None,
    *,
    late: bool,
) -> None:
    """Raise ContractError, naming the first payment, for a batch that may not be observed."""
    if arrivals.known[0] < state.last_known or (np.diff(arrivals.known) < 0).any():
        raise ContractError(
            "The payments are not in the order in which they became known; sort by known_time."
        )
    if late:
        _refuse(
            payments, too_late(state, arrivals.time), "is further behind the newest event than the tolerance"
        )
    ahead = arrivals.time > arrivals.known + state.limits.tolerance
    _refuse(payments, ahead, "is further ahead of its known_time than the tolerance")
    _refuse(payments, arrivals.time < 0, "is from before 1970")
    large: Bools = np.max(np.abs(arrivals.ints), axis=1) >= LARGEST
    _refuse(payments, large, f"has an amount of {LARGEST} minor units or more, for which sums are not exact")
    twice = state.numbers_of(arrivals.identity) >= 0
    if len(set(arrivals.identity.tolist())) < len(twice):
        first = np.unique(arrivals.identity, return_index=True)[1]
        twice[np.setdiff1d(np.arange(len(twice)), first)] = True
    _refuse(payments, twice, "was observed before")
    if partitions is not None:
        foreign = ~np.isin(payments["partition"].to_numpy(zero_copy_only=False), list(partitions))
        _refuse(payments, foreign, "is of a partition that this engine does not own")


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
    words = arriving.identities_of(judgements).words
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


def _refuse(payments: pa.RecordBatch, refused: Bools, why: str) -> None:
    if refused.any():
        at = int(np.argmax(refused))
        source, name = payments["source"][at].as_py(), payments["transaction_id"][at].as_py()
        raise ContractError(f"Payment {source}:{name} {why}; nothing of its batch was observed.")
