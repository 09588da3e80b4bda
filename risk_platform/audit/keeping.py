"""What of the audit log lies outside the database: its signing key and the file of exported heads."""

import os
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from risk_platform.audit.heads import SignedHead, TreeHead, read_head, read_heads, signed_line
from risk_platform.errors import AuditError, SettingsError

HEADS = "heads.jsonl"
PUBLIC_KEY = "public_key.pem"
_PRIVATE_KEY = "signing_key.pem"


def heads_file(home: Path) -> Path:
    """The exported heads of the installation in `home`."""
    return home / "audit" / HEADS


def public_key_file(home: Path) -> Path:
    """The public half of its signing key."""
    return home / "audit" / PUBLIC_KEY


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The key in a PEM file; raises SettingsError when there is none."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} holds no public key of an audit log; name the file of one.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"The public key in {path} is not Ed25519; name that of an audit log.")
    return key


def exported_heads(path: Path, key: Ed25519PublicKey) -> list[SignedHead]:
    """The heads in an exported file, all signed by `key`; none where the file is not there.

    Raises AuditError naming the line that cannot be trusted.
    """
    return read_heads(_lines(path), key)


class HeadKeeper:
    """Signs the heads of one trail and keeps them in an append-only file, each on the disk before it counts."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey) -> None:
        self._file = folder / HEADS
        self._key = key
        self.last: TreeHead | None = _last_head(self._file, key.public_key())

    @classmethod
    def open(cls, home: Path) -> Self:
        """The keeper of the installation in `home`, its key made on first use.

        Raises SettingsError when the key cannot be read or others may read it, AuditError when the last head
        is not this key's.
        """
        folder = home / "audit"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(folder, _signing_key(folder))

    def keep(self, head: TreeHead) -> None:
        """Append the signed head; it is on the disk on return."""
        line = signed_line(head, self._key) + b"\n"
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self.last is None:
            _sync_folder(self._file.parent)
        self.last = head


def _lines(path: Path) -> list[bytes]:
    """Whole lines of the file; a last one that a power cut left unfinished was never relied on."""
    if not path.exists():
        return []
    return path.read_bytes().split(b"\n")[:-1]


def _last_head(path: Path, key: Ed25519PublicKey) -> SignedHead | None:
    """The head in the last line; an unfinished line behind it is cut off, so that the next one stands alone."""
    lines = _lines(path)
    if not lines:
        return None
    whole = sum(len(line) + 1 for line in lines)
    if path.stat().st_size > whole:
        os.truncate(path, whole)
    try:
        return read_head(lines[-1], key)
    except AuditError as error:
        raise AuditError(f"The last line of {path} cannot be trusted: {error}.") from error


def _signing_key(folder: Path) -> Ed25519PrivateKey:
    path = folder / _PRIVATE_KEY
    if not path.exists():
        if (folder / HEADS).exists():
            raise SettingsError(f"{path} is gone but its heads are not; restore the key from a copy.")
        _create_key(path)
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} may be read by others; run chmod 600 on it.")
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise SettingsError(f"{path} holds no signing key; restore it from a copy.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key in {path} is not Ed25519; restore the audit log's own from a copy.")
    return key


def _create_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write_new(path.with_name(PUBLIC_KEY), public, 0o644)
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _sync_folder(path.parent)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Write the file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
