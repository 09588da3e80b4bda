"""Cursors of lists: where the next page begins, as text that callers hand back unread."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query

from risk_platform.api.problems import Problem
from risk_platform.intake.events import micros

# What a store can be asked for.
LARGEST_NUMBER = 2**63 - 1

Limit = Annotated[int, Query(ge=1, le=500, description="Most items of a page.")]
Cursor = Annotated[str | None, Query(max_length=300, description="`next_cursor` of the page before.")]
FromTime = Annotated[
    datetime | None, Query(alias="from", description="Known at or after, ISO 8601 with offset.")
]
ToTime = Annotated[datetime | None, Query(alias="to", description="Known before, ISO 8601 with offset.")]


def cursor_of(*place: Any) -> str:
    """The cursor that says a place."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def place_of(cursor: str, *types: type) -> list[Any]:
    """The place that a cursor says; raises a 422 problem when it is not one of such types."""
    try:
        place = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        place = None
    if not _is_place(place, types):
        raise Problem(
            422, "The cursor is none that this list gave; leave it out to begin anew.", field="cursor"
        )
    return list(place)


def _is_place(place: Any, types: Sequence[type]) -> bool:
    if not isinstance(place, list) or [type(part) for part in place] != list(types):
        return False
    return all(abs(part) <= LARGEST_NUMBER for part in place if isinstance(part, int | float))


def instant(moment: datetime | None, field: str) -> int | None:
    """A time of a query in µs; raises a 422 problem when it has no offset."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise Problem(422, f"`{field}` has no offset from UTC; write one such as +05:30.", field=field)
    return micros(moment)
