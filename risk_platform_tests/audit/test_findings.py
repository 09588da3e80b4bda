"""What was done to a trail is told from hashes alone, whichever leaf it was done to."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from risk_platform.audit.findings import Tampering, Trail, gap_finding, tree_finding
from risk_platform.audit.heads import TreeHead
from risk_platform.audit.tree import leaf_hash, tree_root

SIZES = st.integers(2, 40)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % at) for at in range(size)]


def heads_at(leaves: list[bytes], *sizes: int) -> list[TreeHead]:
    return [TreeHead(size, tree_root(leaves[:size]), size) for size in sizes]


def kind_of(leaves: list[bytes], stored: list[bytes], heads: list[TreeHead], size: int) -> Tampering | None:
    finding = tree_finding(Trail(leaves, stored, size), heads)
    return None if finding is None else finding.kind


@settings(deadline=None)
@given(SIZES, st.data())
def test_every_single_change_is_named(size: int, data: st.DataObject) -> None:
    right = leaves_of(size)
    first = data.draw(st.integers(1, size))
    heads = heads_at(right, first, size)
    at = data.draw(st.integers(0, size - 1))
    other = leaf_hash(b"other")
    assert kind_of(right, right, heads, size) is None
    assert kind_of([*right[:at], other, *right[at + 1 :]], right, heads, size) is Tampering.EDIT
    assert kind_of([*right[:at], other, *right[at:]], right, heads, size) is Tampering.INSERT
    assert kind_of(right[:at], right, heads, size) is Tampering.TRUNCATE
    assert kind_of(right, [*right[:at], other, *right[at + 1 :]], heads, size) is Tampering.EDIT
    gone = kind_of(right[:at] + right[at + 1 :], right, heads, size)
    assert gone is (Tampering.DELETE if at < size - 1 else Tampering.TRUNCATE)


@settings(deadline=None)
@given(SIZES, st.data())
def test_changes_with_recomputed_hashes_are_named(size: int, data: st.DataObject) -> None:
    right = leaves_of(size)
    heads = heads_at(right, data.draw(st.integers(1, size)), size)
    at = data.draw(st.integers(0, size - 1))
    edited = [*right[:at], leaf_hash(b"other"), *right[at + 1 :]]
    assert kind_of(edited, edited, heads, size) is Tampering.REWRITE
    cut = right[:at]
    assert kind_of(cut, cut, heads, at) in (Tampering.ROLLBACK, Tampering.REWRITE)
    assert kind_of(cut, cut, heads[1:], at) is Tampering.ROLLBACK
    assert kind_of(cut, cut, heads[1:], size) is Tampering.TRUNCATE


@settings(deadline=None)
@given(SIZES, st.data())
def test_two_leaves_that_changed_places_are_named(size: int, data: st.DataObject) -> None:
    right = leaves_of(size)
    one, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    assume(one != other)
    moved = list(right)
    moved[one], moved[other] = moved[other], moved[one]
    finding = tree_finding(Trail(moved, right, size), heads_at(right, size))
    assert finding is not None
    low, high = sorted((one, other))
    assert (finding.kind, finding.sentence) == (Tampering.REORDER, f"Leaves {low}, {high} were reordered.")


def test_gaps_in_the_numbers_are_named() -> None:
    assert gap_finding([0, 1, 2]) is None
    one, several, twice = gap_finding([0, 2]), gap_finding([3, 4]), gap_finding([0, 1, 1])
    assert one is not None
    assert one.sentence == "Leaf 1 was deleted."
    assert several is not None
    assert several.sentence == "Leaves 0 to 2 were deleted."
    assert twice is not None
    assert twice.kind is Tampering.INSERT
