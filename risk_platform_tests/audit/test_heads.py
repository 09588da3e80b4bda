"""Signed heads, their key, and the file they are kept in."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from risk_platform.audit.heads import TreeHead, read_head, read_heads, signed_line
from risk_platform.audit.keeping import (
    HeadKeeper,
    exported_heads,
    heads_file,
    public_key_file,
    read_public_key,
)
from risk_platform.errors import AuditError, SettingsError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ROOT = bytes(range(32))


def line(size: int, root: bytes = ROOT, key: Ed25519PrivateKey = KEY) -> bytes:
    return signed_line(TreeHead(size, root, 1_780_000_000_000_000), key)


def test_a_head_is_read_back_and_its_line_is_canonical() -> None:
    head = read_head(line(3), KEY.public_key())
    assert (head.size, head.root, head.time) == (3, ROOT, 1_780_000_000_000_000)
    assert head.line == line(3)
    assert line(3).startswith(b'{"key":"')


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([line(3).replace(b'"size":3', b'"size":4')], "Line 1 .* signature is forged"),
        ([line(3), line(4).replace(b"0001", b"0002")], "Line 2 .* signature is forged"),
        ([line(3, key=OTHER)], "signed with another key"),
        ([b"{}"], "is no tree head"),
        ([b"\xff"], "is no tree head"),
        ([line(4), line(3)], "attests 3 leaves after 4"),
        ([line(4), line(4, bytes(32))], "second history of 4 leaves"),
    ],
)
def test_heads_that_cannot_be_trusted_are_named(lines: list[bytes], words: str) -> None:
    with pytest.raises(AuditError, match=words):
        read_heads(lines, KEY.public_key())


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    keeper = HeadKeeper.open(tmp_path)
    private = tmp_path / "audit" / "signing_key.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    keeper.keep(TreeHead(1, ROOT, 5))
    again = HeadKeeper.open(tmp_path)
    assert again.last is not None
    assert (again.last.size, again.last.time) == (1, 5)
    again.keep(TreeHead(2, ROOT, 6))
    key = read_public_key(public_key_file(tmp_path))
    assert [head.size for head in exported_heads(heads_file(tmp_path), key)] == [1, 2]


def test_a_line_that_a_power_cut_left_unfinished_does_not_spoil_the_next(tmp_path: Path) -> None:
    keeper = HeadKeeper.open(tmp_path)
    keeper.keep(TreeHead(1, ROOT, 5))
    with heads_file(tmp_path).open("ab") as file:
        file.write(line(2)[:40])
    HeadKeeper.open(tmp_path).keep(TreeHead(3, ROOT, 7))
    key = read_public_key(public_key_file(tmp_path))
    assert [head.size for head in exported_heads(heads_file(tmp_path), key)] == [1, 3]


def test_a_key_that_others_may_read_or_that_is_gone_is_refused(tmp_path: Path) -> None:
    HeadKeeper.open(tmp_path).keep(TreeHead(1, ROOT, 5))
    private = tmp_path / "audit" / "signing_key.pem"
    private.chmod(0o640)
    with pytest.raises(SettingsError, match="run chmod 600"):
        HeadKeeper.open(tmp_path)
    private.unlink()
    with pytest.raises(SettingsError, match="is gone but its heads are not"):
        HeadKeeper.open(tmp_path)
    private.write_bytes(b"no key")
    private.chmod(0o600)
    with pytest.raises(SettingsError, match="holds no signing key"):
        HeadKeeper.open(tmp_path)


def test_heads_of_another_key_stop_the_keeper(tmp_path: Path) -> None:
    HeadKeeper.open(tmp_path)
    heads_file(tmp_path).write_bytes(line(3) + b"\n")
    with pytest.raises(AuditError, match="signed with another key"):
        HeadKeeper.open(tmp_path)


def test_a_public_key_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no public key"):
        read_public_key(tmp_path / "none.pem")
