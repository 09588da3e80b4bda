"""Signed tree heads: what the trail was at a moment, under an Ed25519 key (RFC 8032) that the database never sees."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from risk_platform.audit.canonical import canonical_bytes
from risk_platform.errors import AuditError

_VERSION = 1


@dataclass(frozen=True)
class TreeHead:
    """Size and root of the trail's tree at `time` (µs since 1970)."""

    size: int
    root: bytes
    time: int


@dataclass(frozen=True)
class SignedHead(TreeHead):
    """A head whose signature was verified, and the line it was read from."""

    line: bytes


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, in hex: the name of the log."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def signed_line(head: TreeHead, key: Ed25519PrivateKey) -> bytes:
    """The head as one line of canonical JSON, signed over the same JSON without its signature."""
    fields = _fields(head, key_id(key.public_key()))
    signature = key.sign(canonical_bytes(fields)).hex()
    return canonical_bytes({**fields, "signature": signature})


def read_head(line: bytes, key: Ed25519PublicKey) -> SignedHead:
    """The head in a line; raises AuditError when `key` has not signed it."""
    try:
        fields = json.loads(line)
        head = SignedHead(int(fields["size"]), bytes.fromhex(fields["root"]), int(fields["time"]), line)
        signature, signer = bytes.fromhex(fields["signature"]), str(fields["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError("it is no tree head") from error
    if signer != key_id(key):
        raise AuditError(f"it is signed with another key, {signer[:16]}…")
    try:
        key.verify(signature, canonical_bytes(_fields(head, key_id(key))))
    except InvalidSignature as error:
        raise AuditError("its signature is forged: size, root or time are not what was signed") from error
    return head


def read_heads(lines: Sequence[bytes], key: Ed25519PublicKey) -> list[SignedHead]:
    """The heads of an exported file in its order, sizes growing.

    Raises AuditError naming the first line that is forged, out of order, or of a second history.
    """
    heads: list[SignedHead] = []
    for number, line in enumerate(lines, 1):
        try:
            head = read_head(line, key)
        except AuditError as error:
            raise AuditError(f"Line {number} of the exported heads cannot be trusted: {error}.") from error
        if heads and head.size < heads[-1].size:
            raise AuditError(
                f"Line {number} of the exported heads attests {head.size} leaves after {heads[-1].size}: "
                "the lines were reordered, or the trail was rolled back and signed anew."
            )
        if heads and head.size == heads[-1].size and head.root != heads[-1].root:
            raise AuditError(
                f"Line {number} of the exported heads attests a second history of {head.size} leaves."
            )
        heads.append(head)
    return heads


def _fields(head: TreeHead, key: str) -> dict[str, object]:
    return {"key": key, "root": head.root.hex(), "size": head.size, "time": head.time, "version": _VERSION}
