"""What was done to a trail, told from its leaves, its stored hashes and the heads signed while it grew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from risk_platform.audit.heads import TreeHead
from risk_platform.audit.tree import Frontier

_NAMED = 5


class Tampering(StrEnum):
    """The ways in which a trail is tampered with."""

    EDIT = "edit"
    DELETE = "delete"
    INSERT = "insert"
    REORDER = "reorder"
    TRUNCATE = "truncate"
    ROLLBACK = "rollback"
    REWRITE = "rewrite"
    FORGERY = "forgery"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in one sentence."""

    kind: Tampering
    sentence: str


@dataclass(frozen=True)
class Trail:
    """Leaf hashes computed from n leaves, the leaf hashes stored beside them, and the size the store states."""

    leaves: Sequence[bytes]
    stored: Sequence[bytes]
    size: int


def tree_finding(trail: Trail, heads: Sequence[TreeHead]) -> Finding | None:
    """What is wrong with the leaves, None when they are what the heads attest and the stored hashes say.

    Stored hashes that give the signed root are trusted, and tell which leaf is not the one they were made of.
    """
    bad_leaves, bad_stored = _first_wrong(trail.leaves, heads), _first_wrong(trail.stored, heads)
    if bad_leaves is None and bad_stored is not None:
        return Finding(
            Tampering.EDIT,
            "The leaves are those that were signed, but the hashes stored beside them were edited.",
        )
    if bad_stored is None and list(trail.leaves) != list(trail.stored):
        return difference(trail.leaves, trail.stored)
    if bad_leaves is not None:
        return _unsigned(trail, heads, bad_leaves)
    if trail.size != len(trail.leaves):
        sentence = f"The store states {trail.size} leaves but holds {len(trail.leaves)}: its last ones were truncated."
        return Finding(Tampering.TRUNCATE, sentence)
    return None


def difference(leaves: Sequence[bytes], trusted: Sequence[bytes]) -> Finding:
    """How leaf hashes differ from the ones that are known to be right."""
    kept, right = set(leaves), set(trusted)
    missing = [place for place, digest in enumerate(trusted) if digest not in kept]
    added = [place for place, digest in enumerate(leaves) if digest not in right]
    if missing and added:
        if missing == added:
            return Finding(Tampering.EDIT, f"{_leaves(missing)} edited.")
        sentence = f"{_leaves(missing)} deleted or edited, and {len(added)} others put among the rest."
        return Finding(Tampering.EDIT, sentence)
    if missing:
        if missing[0] == len(leaves):
            sentence = f"The trail was truncated: its last {len(missing)} leaves, from leaf {missing[0]} on, are gone."
            return Finding(Tampering.TRUNCATE, sentence)
        return Finding(Tampering.DELETE, f"{_leaves(missing)} deleted.")
    if len(leaves) > len(trusted):
        added = added or [_first_difference(leaves, trusted)]
        return Finding(Tampering.INSERT, f"{_leaves(added)} inserted.")
    pairs = zip(leaves, trusted, strict=True)
    moved = [place for place, (leaf, digest) in enumerate(pairs) if leaf != digest]
    return Finding(Tampering.REORDER, f"{_leaves(moved)} reordered.")


def gap_finding(places: Sequence[int]) -> Finding | None:
    """The first leaf missing between others, or standing twice, by the numbers of the leaves in order."""
    for expected, place in enumerate(places):
        if place > expected:
            last = f" to {place - 1}" if place - 1 > expected else ""
            was = "Leaves {} were" if last else "Leaf {} was"
            return Finding(Tampering.DELETE, f"{was.format(f'{expected}{last}')} deleted.")
        if place < expected:
            return Finding(Tampering.INSERT, f"Leaf {place} was inserted below those that were there.")
    return None


def _unsigned(trail: Trail, heads: Sequence[TreeHead], wrong: int) -> Finding:
    """Leaves and stored hashes both fail at the head `wrong`."""
    head, sound = heads[wrong], heads[wrong - 1].size if wrong else 0
    count = len(trail.leaves)
    if count < head.size and list(trail.leaves) == list(trail.stored):
        attested = f"{_moment(head)} attests {heads[-1].size} leaves and the store holds {count}"
        if trail.size > count:
            return Finding(Tampering.TRUNCATE, f"The trail was truncated: the head of {attested}.")
        return Finding(
            Tampering.ROLLBACK, f"The store was rolled back to an older copy: the head of {attested}."
        )
    span = f"leaves {sound} to {min(head.size, count) - 1}"
    if list(trail.leaves) == list(trail.stored):
        return Finding(
            Tampering.REWRITE,
            f"The trail was rewritten and its hashes recomputed: {span} are not what the head of "
            f"{_moment(head)} signed.",
        )
    found = difference(trail.leaves, trail.stored)
    return Finding(
        Tampering.REWRITE,
        f"The trail was rewritten and its hashes changed: among {span}, which the head of {_moment(head)} "
        f"signed otherwise. Against the changed hashes: {found.sentence}",
    )


def _first_wrong(hashes: Sequence[bytes], heads: Sequence[TreeHead]) -> int | None:
    """Which head (sizes growing) is the first that those leaf hashes do not give."""
    frontier = Frontier()
    for number, head in enumerate(heads):
        frontier.extend(hashes[frontier.size : head.size])
        if frontier.size != head.size or frontier.root() != head.root:
            return number
    return None


def _first_difference(leaves: Sequence[bytes], trusted: Sequence[bytes]) -> int:
    pairs = zip(leaves, trusted, strict=False)
    return next((place for place, (leaf, digest) in enumerate(pairs) if leaf != digest), len(trusted))


def _leaves(places: Sequence[int]) -> str:
    named = ", ".join(str(place) for place in places[:_NAMED])
    if len(places) == 1:
        return f"Leaf {named} was"
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"Leaves {named}{more} were"


def _moment(head: TreeHead) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=head.time)
    return moment.isoformat(timespec="seconds")
