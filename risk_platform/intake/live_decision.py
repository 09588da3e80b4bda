"""A decision made live as the operational store holds it, with its payment as the engine saw it."""

import pyarrow as pa

from risk_platform.decisions.stored import StoredDecision
from risk_platform.intake.lines import read_lines
from risk_platform.intake.stamping import stamped
from risk_platform.operations.store import Store


def find_live(store: Store, name: str) -> StoredDecision | None:
    """The decision on the payment SOURCE:IDENTIFIER; None when it never came in live.

    It comes without features of the mart: the lake has them once the payment is drained.
    """
    source, _, identifier = name.partition(":")
    decision = store.decision_on(source, identifier)
    if decision is None:
        return None
    sequence = decision.column("sequence")[0].as_py()
    begin = store.decisions_of_run(sequence).column("sequence")[0].as_py()
    run = next(store.runs(begin - 1))
    payments = stamped(
        read_lines(run.bodies.split(b"\n"), "payments"), run.sequence, run.known_time, run.timezone
    )
    return StoredDecision(pa.Table.from_batches([decision]), payments.slice(sequence - begin, 1), None)
