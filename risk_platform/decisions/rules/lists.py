"""Lists that rules look identifiers up in: data with expiry, edited without touching a rule."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from risk_platform.transactions.marked_yaml import Problem, parse_yaml, problems_of

ListName = Literal["blocked", "trusted", "watched", "protected"]
LIST_NAMES: tuple[ListName, ...] = ("blocked", "trusted", "watched", "protected")
SHIPPED_LISTS = Path(__file__).parent / "lists.yaml"
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(BaseModel):
    """One identifier on a list, the last day it counts (for ever when absent), and why it is there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    until: date | None = None
    why: str | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    blocked: tuple[Entry, ...] = ()
    trusted: tuple[Entry, ...] = ()
    watched: tuple[Entry, ...] = ()
    protected: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class _Members:
    """Identifiers of one list, and the instant in microseconds since 1970 from which each counts no more."""

    identifiers: pa.Array
    ends: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lists:
    """Every list, as the text it was read from and as its entries."""

    text: str
    entries: Mapping[ListName, tuple[Entry, ...]]

    @classmethod
    def parse(cls, text: str, name: str = "lists.yaml") -> Self:
        """The lists written in YAML; raises InputError with the line of every wrong entry."""
        document = parse_yaml(text, name)
        try:
            stated = _Document.model_validate(document.data)
        except ValidationError as error:
            raise document.refusal(
                problems_of(error, lambda _: (*LIST_NAMES, *Entry.model_fields))
            ) from error
        entries: dict[ListName, tuple[Entry, ...]] = {each: getattr(stated, each) for each in LIST_NAMES}
        problems = [
            Problem((each, at), f"{entry.id!r} is on the list {each} twice")
            for each, members in entries.items()
            for at, entry in enumerate(members)
            if entry.id in {other.id for other in members[:at]}
        ]
        if problems:
            raise document.refusal(problems)
        return cls(text, entries)

    @classmethod
    def shipped(cls) -> Self:
        """The lists that come with the platform."""
        return cls.parse(SHIPPED_LISTS.read_text("utf-8"), SHIPPED_LISTS.name)

    @property
    def hash(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def holds(
        self, name: ListName, identifiers: pa.Array, event_times: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Whether each identifier is on the list at its payment's time; a null one is on none."""
        members = self._members[name]
        if not len(members.ends):
            return np.zeros(len(identifiers), dtype=np.bool_)
        found = pc.index_in(identifiers, value_set=members.identifiers)
        place: npt.NDArray[np.int64] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        return np.asarray((place >= 0) & (event_times < members.ends[place]))

    @cached_property
    def _members(self) -> Mapping[ListName, _Members]:
        return {name: _members(entries) for name, entries in self.entries.items()}


def _members(entries: tuple[Entry, ...]) -> _Members:
    ends = [_end(entry.until) for entry in entries]
    return _Members(pa.array([entry.id for entry in entries], pa.string()), np.array(ends, dtype=np.int64))


def _end(until: date | None) -> int:
    if until is None:
        return int(np.iinfo(np.int64).max)
    return (datetime.combine(until, time(), UTC) + timedelta(days=1) - _EPOCH) // _MICROSECOND
