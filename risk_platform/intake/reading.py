"""What waits, read: a few events cost as much to read as one, so neighbours are read together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby

from risk_platform.intake.outcome import Outcome
from risk_platform.intake.prepared import Prepared, Preparer
from risk_platform.intake.waiting import Unread, Waiting


@dataclass(frozen=True)
class Reading:
    """Submissions of one kind that were read as one: the i-th of `waiting` has the next `sizes[i]` events."""

    waiting: Sequence[Waiting]
    sizes: Sequence[int]
    prepared: Prepared

    def outcomes(self, outcome: Outcome) -> list[Outcome]:
        """Each submission's part of what became of all."""
        return outcome.split(self.sizes)


def read_together(preparer: Preparer, waiting: Sequence[Waiting], now: datetime) -> Iterator[Reading]:
    """Submissions of one kind in their order, those not yet read as one; `now` is the instant of checking.

    A submission that cannot even be refused is told why, and left out.
    """
    for unread, neighbours in groupby(waiting, lambda item: isinstance(item.work, Unread)):
        if unread:
            yield from _read(preparer, list(neighbours), now)
        else:
            for item in neighbours:
                if isinstance(item.work, Prepared):
                    yield Reading([item], [item.work.size], item.work)


def _read(preparer: Preparer, waiting: Sequence[Waiting], now: datetime) -> Iterator[Reading]:
    works = [item.work for item in waiting if isinstance(item.work, Unread)]
    try:
        prepared = preparer.read(works[0].kind, list(chain.from_iterable(work.events for work in works)), now)
    except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to one of them alone
        if len(waiting) == 1:
            waiting[0].future.set_exception(error)
            return
        for item in waiting:
            yield from _read(preparer, [item], now)
    else:
        yield Reading(waiting, [len(work.events) for work in works], prepared)
