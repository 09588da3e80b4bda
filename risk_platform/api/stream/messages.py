"""What the live stream says: one message for each event of the inbox, and how the service is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from risk_platform.api.decided import PARTIES, Risk, moment, risk_fields
from risk_platform.api.roles import Permission
from risk_platform.decisions.levels import Level
from risk_platform.operations.inbox_feed import DecidedRun

_DECIDED = tuple(Risk.model_fields)
_JUDGED = ("judgement_id", "source", "transaction_id", "is_fraud", "judged_by", "confidence")


class Topic(StrEnum):
    """What a listener may want to hear of."""

    DECISIONS = "decisions"
    ALERTS = "alerts"
    JUDGEMENTS = "judgements"
    HEALTH = "health"


NEEDED: Mapping[Topic, Permission] = {
    Topic.DECISIONS: Permission.READ_RISK,
    Topic.ALERTS: Permission.READ_ALERTS,
    Topic.JUDGEMENTS: Permission.READ_ALERTS,
    Topic.HEALTH: Permission.READ_RISK,
}


@dataclass(frozen=True)
class Wanted:
    """Topics and, of decisions and alerts, levels that a listener wants to hear of."""

    topics: frozenset[Topic]
    levels: frozenset[Level]


@dataclass(frozen=True)
class Message:
    """One message. Events of the inbox have the sequence they have there, everything else that of the last one."""

    sequence: int
    topics: frozenset[Topic]
    data: Mapping[str, Any]
    level: Level | None = None
    _texts: dict[bool, str] = field(default_factory=dict)

    def fits(self, wanted: Wanted) -> bool:
        """Whether a listener wants it."""
        if self.level is not None and self.level not in wanted.levels:
            return False
        return not self.topics.isdisjoint(wanted.topics)

    def text(self, *, sees_parties: bool) -> str:
        """It as JSON, written once for all who may see as much."""
        known = self._texts.get(sees_parties)
        if known is None:
            data = self.data if sees_parties else {**self.data, **_hidden(self.data)}
            known = self._texts[sees_parties] = text_of(self.sequence, sorted(self.topics), data)
        return known


def text_of(sequence: int, topics: Sequence[str], data: Mapping[str, Any]) -> str:
    """A message as JSON."""
    content = {"sequence": sequence, "topics": topics, "data": data}
    return orjson.dumps(content, option=orjson.OPT_UTC_Z).decode()


def messages_of(runs: Iterable[DecidedRun], after: int) -> Iterator[Message]:
    """One message for each decided payment and judgement behind the sequence `after`."""
    for run in runs:
        skipped = max(0, after + 1 - run.sequence)
        if run.kind == "payment":
            yield from _decided(run, skipped)
        elif run.kind == "judgement":
            yield from _judged(run, skipped)


def _decided(run: DecidedRun, skipped: int) -> Iterator[Message]:
    if run.decisions is None:
        return
    columns = [name for name in run.decisions.schema.names if name in _DECIDED]
    for at, decision in enumerate(run.decisions.select(columns).slice(skipped).to_pylist(), skipped):
        given = risk_fields(orjson.loads(run.lines[at]), decision, run.known_time + at, sees_parties=True)
        alerted = given["alerted"]
        data = {name: given[name] for name in _DECIDED}
        data["alert_id"] = given["sequence"] if alerted else None
        topics = {Topic.DECISIONS, Topic.ALERTS} if alerted else {Topic.DECISIONS}
        yield Message(given["sequence"], frozenset(topics), data, Level(given["level"]))


def _judged(run: DecidedRun, skipped: int) -> Iterator[Message]:
    for at, line in enumerate(run.lines[skipped:], skipped):
        judgement = orjson.loads(line)
        data = {name: judgement.get(name) for name in _JUDGED} | {"known_time": moment(run.known_time + at)}
        yield Message(run.sequence + at, frozenset({Topic.JUDGEMENTS}), data)


def _hidden(data: Mapping[str, Any]) -> dict[str, None]:
    return {name: None for name in PARTIES if name in data}
