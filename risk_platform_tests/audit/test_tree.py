"""The tree is the one of RFC 9162: against its recursive definition, and against published probes."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.audit.proofs import Subtree, consistency_path, extends, includes, inclusion_path
from risk_platform.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    Node,
    complete_levels,
    edge_places,
    leaf_hash,
    tree_root,
)
from risk_platform.errors import ContractError, InputError

PROBES = Path(__file__).resolve().parents[3] / "shared" / "data" / "merkle"
ENTRIES = st.lists(st.binary(max_size=4), max_size=70)


def mth(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1, word for word."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1, word for word."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def split(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k


def subtrees(entries: list[bytes]) -> Subtree:
    levels = complete_levels([leaf_hash(entry) for entry in entries])
    return lambda level, place: levels[level][place]


@settings(deadline=None)
@given(ENTRIES)
def test_the_root_is_the_one_of_the_definition(entries: list[bytes]) -> None:
    assert tree_root([leaf_hash(entry) for entry in entries]) == mth(entries)


@settings(deadline=None)
@given(ENTRIES, st.integers(0, 70))
def test_a_frontier_grows_to_the_same_tree_from_wherever_it_is_taken_up(
    entries: list[bytes], cut: int
) -> None:
    hashes = [leaf_hash(entry) for entry in entries]
    whole = Frontier()
    made = {(node.level, node.place): node.hash for node in whole.extend(hashes[:cut])}
    size = whole.size
    taken_up = Frontier(size, [made[place] for place in edge_places(size)])
    later = taken_up.extend(hashes[cut:])
    assert taken_up.root() == mth(entries)
    made |= {(node.level, node.place): node.hash for node in later}
    levels = complete_levels(hashes)
    expected = {(level, at): digest for level, row in enumerate(levels) for at, digest in enumerate(row)}
    assert made == expected


@settings(deadline=None)
@given(ENTRIES.filter(bool), st.data())
def test_inclusion_paths_are_those_of_the_definition_and_verify(
    entries: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_path(index, size, subtrees(entries))
    assert proof == path(index, entries[:size])
    root, leaf = mth(entries[:size]), leaf_hash(entries[index])
    assert includes(root, size, index, leaf, proof)
    assert not includes(root, size, index, leaf_hash(entries[index] + b"x"), proof)
    assert not includes(root, size, index, leaf, [*proof, root])
    assert not includes(root, size, index, leaf, proof[1:]) or not proof


@settings(deadline=None)
@given(ENTRIES.filter(bool), st.data())
def test_consistency_paths_are_those_of_the_definition_and_verify(
    entries: list[bytes], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(entries)))
    earlier = data.draw(st.integers(1, size))
    proof = consistency_path(earlier, size, subtrees(entries))
    assert proof == subproof(earlier, entries[:size], True)
    first, root = mth(entries[:earlier]), mth(entries[:size])
    assert extends(first, earlier, root, size, proof)
    changed = mth([entries[0] + b"x", *entries[1:earlier]])
    assert not extends(changed, earlier, root, size, proof)
    assert not extends(first, earlier, root, size, [*proof, root])


def test_proofs_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="no leaf 3"):
        inclusion_path(3, 3, subtrees([b"a", b"b", b"c"]))
    with pytest.raises(InputError, match="from 0 to 3"):
        consistency_path(0, 3, subtrees([b"a", b"b", b"c"]))
    with pytest.raises(ContractError, match="3 leaves has 2 subtrees"):
        Frontier(3, [EMPTY_ROOT])


def test_the_smallest_trees() -> None:
    assert Frontier().root() == EMPTY_ROOT == mth([])
    frontier = Frontier()
    assert frontier.extend([leaf_hash(b"")]) == [Node(0, 0, leaf_hash(b""))]
    assert frontier.root() == mth([b""])


def probes(name: str) -> list[Any]:
    """The published probes; one parameter that says why it is skipped where they are absent."""
    file = PROBES / f"{name}.json"
    if not file.is_file():
        reason = f"the published probes ../shared/data/merkle/{name}.json are not beside this checkout"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(probe, id=key) for key, probe in json.loads(file.read_bytes()).items()]


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or []]


@pytest.mark.parametrize("probe", probes("inclusion"))
def test_published_inclusion_probes(probe: dict[str, Any]) -> None:
    root, leaf = hashes([probe["root"], probe["leafHash"]])
    assert (
        includes(root, probe["treeSize"], probe["leafIdx"], leaf, hashes(probe["proof"])) != probe["wantErr"]
    )


@pytest.mark.parametrize("probe", probes("consistency"))
def test_published_consistency_probes(probe: dict[str, Any]) -> None:
    first, root = hashes([probe["root1"], probe["root2"]])
    # A root that is no SHA-256 is refused, whatever a probe wants.
    wanted = not probe["wantErr"] and len(first) == len(root) == 32
    assert extends(first, probe["size1"], root, probe["size2"], hashes(probe["proof"])) == wanted
