"""Events that came in before: answered again when they say the same, refused when they say something else."""

from collections.abc import Mapping

from risk_platform.intake.merged import Ints, Merged
from risk_platform.intake.refusals import Refusals
from risk_platform.operations.records import StoredKey

CONFLICTING_BODY = "conflicting_body"


def refuse_other_bodies(
    batch: Merged, stored: Mapping[int, StoredKey], repeats: Mapping[int, int], refusals: Refusals
) -> None:
    """Refuse the rows of `batch` whose key is taken by another body, in the store or earlier in the batch.

    `stored` has the rows that the store knows, `repeats` the earlier row for each that repeats one.
    """
    earlier = {row: key.body_hash for row, key in stored.items()}
    earlier |= {row: batch.hash_of(first) for row, first in repeats.items()}
    other = [row for row, body_hash in earlier.items() if batch.hash_of(row) != body_hash]
    refusals.add(other, CONFLICTING_BODY, "transaction_id", batch.events.event_ids.__getitem__)


def answer_again(
    stored: Mapping[int, StoredKey],
    repeats: Mapping[int, int],
    sequences: Ints,
    refusals: Refusals,
) -> None:
    """Give duplicates the sequence of the event they repeat, or refuse them for what it was refused for."""
    for row, key in stored.items():
        if not refusals.refused[row]:
            sequences[row] = key.sequence
    why = {item.position: item for item in refusals.items}
    for row, first in repeats.items():
        if refusals.refused[first]:
            refusals.add([row], why[first].rule, why[first].column, lambda _, item=why[first]: item.value)  # type: ignore[misc]
        elif not refusals.refused[row]:
            sequences[row] = sequences[first]
