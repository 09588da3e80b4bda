"""Exported heads are verified once, and whatever follows is held against them."""

from pathlib import Path

import pytest

from risk_platform.api.verified_heads import VerifiedHeads
from risk_platform.audit.heads import TreeHead
from risk_platform.audit.keeping import HeadKeeper, heads_file
from risk_platform.errors import AuditError


def head(size: int) -> TreeHead:
    return TreeHead(size, bytes([size]) * 32, size)


@pytest.fixture
def keeper(tmp_path: Path) -> HeadKeeper:
    return HeadKeeper.open(tmp_path)


def test_heads_are_told_as_they_are_appended(tmp_path: Path, keeper: HeadKeeper) -> None:
    heads = VerifiedHeads(tmp_path)
    assert heads.all() == []
    for size in range(1, 6):
        keeper.keep(head(size))
        assert [each.size for each in heads.all()] == list(range(1, size + 1))
    assert heads.all()[0] is heads.all()[0]


def test_half_a_line_waits_for_the_rest(tmp_path: Path, keeper: HeadKeeper) -> None:
    heads, path = VerifiedHeads(tmp_path), heads_file(tmp_path)
    keeper.keep(head(1))
    keeper.keep(head(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert [each.size for each in heads.all()] == [1]
    path.write_bytes(whole)
    assert [each.size for each in heads.all()] == [1, 2]


def test_a_forged_line_behind_verified_ones_is_named(tmp_path: Path, keeper: HeadKeeper) -> None:
    heads, path = VerifiedHeads(tmp_path), heads_file(tmp_path)
    keeper.keep(head(1))
    assert len(heads.all()) == 1
    line = path.read_bytes()
    path.write_bytes(line + line.replace(b'"size":1', b'"size":2'))
    with pytest.raises(AuditError, match="forged"):
        heads.all()


def test_a_file_that_was_replaced_is_verified_anew(tmp_path: Path, keeper: HeadKeeper) -> None:
    heads, path = VerifiedHeads(tmp_path), heads_file(tmp_path)
    keeper.keep(head(1))
    first = path.read_bytes()
    keeper.keep(head(2))
    assert len(heads.all()) == 2
    path.write_bytes(first)
    assert [each.size for each in heads.all()] == [1]
    path.write_bytes(first.replace(b'"size":1', b'"size":3'))
    with pytest.raises(AuditError):
        heads.all()
