"""Verifies an exported audit trail with nothing but Python and the library `cryptography`.

    python verify.py FOLDER [--public-key FILE]

FOLDER holds what `risk-platform audit export` wrote: public_key.pem, heads.jsonl, leaves.jsonl, consistency.jsonl
and, where one was asked for, record.json. Give a public key that you were handed before: the one in the folder
proves only that the folder fits together. The tree is that of RFC 9162 (SHA-256), signatures are Ed25519.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

HASH_BYTES = 32


class NotProvenError(Exception):
    """What is wrong, in one sentence."""


def canonical(fields: dict[str, Any]) -> bytes:
    """RFC 8785 for what a head holds: ASCII text and integers below 2^53."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def edge_root(edge: list[bytes]) -> bytes:
    """Root over complete subtrees, largest first."""
    root = edge[-1]
    for left in reversed(edge[:-1]):
        root = node(left, root)
    return root


def read_key(path: Path) -> Ed25519PublicKey:
    """The Ed25519 key in a PEM file."""
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise NotProvenError(f"{path} holds no Ed25519 key.")
    return key


def check_head(head: dict[str, Any], key: Ed25519PublicKey, name: str) -> None:
    """The signature over everything in the head but itself."""
    signed = {field: value for field, value in head.items() if field != "signature"}
    if signed["key"] != hashlib.sha256(key.public_bytes_raw()).hexdigest():
        raise NotProvenError(f"{name} is signed with another key than the one given.")
    try:
        key.verify(bytes.fromhex(head["signature"]), canonical(signed))
    except InvalidSignature:
        raise NotProvenError(f"The signature of {name} is forged.") from None


def read_heads(path: Path, key: Ed25519PublicKey) -> list[dict[str, Any]]:
    """Every head, its signature verified, sizes growing."""
    heads = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    if not heads:
        raise NotProvenError(f"{path} holds no head.")
    for number, head in enumerate(heads, 1):
        check_head(head, key, f"head {number}")
        if number > 1 and head["size"] < heads[number - 2]["size"]:
            raise NotProvenError(f"Head {number} is smaller than the one before: the trail was rolled back.")
    return heads


def check_leaves(path: Path, heads: list[dict[str, Any]]) -> int:
    """Leaves as they come against every head; returns their number."""
    lines = path.read_bytes().split(b"\n")[:-1]
    edge: list[bytes] = []
    count = sound = 0
    for head in heads:
        if head["size"] > len(lines):
            missing = f"{path.name} ends after {len(lines)} leaves, {head['size']} were signed"
            raise NotProvenError(f"The trail was truncated or rolled back: {missing}.")
        for line in lines[count : head["size"]]:
            digest, place = hashlib.sha256(b"\x00" + line).digest(), count
            while place & 1:
                digest, place = node(edge.pop(), digest), place >> 1
            edge.append(digest)
            count += 1
        if edge_root(edge).hex() != head["root"]:
            span = f"leaves {sound} to {head['size'] - 1}"
            raise NotProvenError(f"The trail was changed: {span} are not what was signed.")
        sound = head["size"]
    if len(lines) > count:
        raise NotProvenError(f"Leaves were inserted: {len(lines)} are there, {count} were signed.")
    return count


def climb(index: int, size: int, digest: bytes, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or any(len(sibling) != HASH_BYTES for sibling in path):
        raise NotProvenError("A proof is not well-formed.")
    last = size - 1
    for sibling in path:
        if last == 0:
            raise NotProvenError("A proof is too long.")
        if index & 1 or index == last:
            digest = node(sibling, digest)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            digest = node(digest, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise NotProvenError("A proof is too short.")
    return digest


def check_consistency(first: dict[str, Any], head: dict[str, Any], path: list[bytes]) -> None:
    """That the tree of `head` begins with the tree of `first` (RFC 9162, 2.1.4.2)."""
    wrong = NotProvenError(f"The head of {head['size']} leaves does not continue that of {first['size']}.")
    old_root, new_root = bytes.fromhex(first["root"]), bytes.fromhex(head["root"])
    if first["size"] == head["size"]:
        if path or old_root != new_root:
            raise wrong
        return
    hashes = path if first["size"] & (first["size"] - 1) else [old_root, *path]
    place, last = first["size"] - 1, head["size"] - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not hashes or any(len(digest) != HASH_BYTES for digest in hashes):
        raise wrong
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise wrong
        if place & 1 or place == last:
            old, new = node(sibling, old), node(sibling, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node(new, sibling)
        place, last = place >> 1, last >> 1
    if last or old != old_root or new != new_root:
        raise wrong


def check_all_consistency(path: Path, heads: list[dict[str, Any]]) -> None:
    """A proof for every two heads that follow one another."""
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    if len(lines) != len(heads) - 1:
        raise NotProvenError(f"{path.name} holds {len(lines)} proofs for {len(heads)} heads.")
    for first, head, line in zip(heads, heads[1:], lines, strict=False):
        check_consistency(first, head, [bytes.fromhex(digest) for digest in line["path"]])


def check_record(path: Path, key: Ed25519PublicKey) -> str:
    """One record up to a signed root; returns what it is."""
    proof = json.loads(path.read_bytes())
    head, leaf, record = proof["head"], proof["leaf"], proof["record"]
    check_head(head, key, f"the head in {path.name}")
    attested = json.loads(leaf["entry"])
    opened = f"{record['body']}\n{record['decision']}".encode()
    digest = hashlib.sha256(b"\x00" + bytes.fromhex(record["salt"]) + opened).digest()
    siblings = [bytes.fromhex(item) for item in record["path"]]
    if climb(record["index"], attested["events"], digest, siblings).hex() != attested["records"]:
        raise NotProvenError(
            f"The record in {path.name} was edited: it is not what leaf {leaf['position']} binds."
        )
    columns = json.dumps(record["columns"], separators=(",", ":")).encode()
    if record["columns"] is not None and hashlib.sha256(columns).hexdigest() != attested["columns"]:
        raise NotProvenError(f"The names of the columns in {path.name} were edited.")
    digest = hashlib.sha256(b"\x00" + leaf["entry"].encode()).digest()
    siblings = [bytes.fromhex(item) for item in leaf["path"]]
    if climb(leaf["position"], head["size"], digest, siblings).hex() != head["root"]:
        raise NotProvenError(f"Leaf {leaf['position']} in {path.name} is not in the tree that was signed.")
    return f"the {attested['kind']} at sequence {attested['sequence'] + record['index']}"


def verify(folder: Path, public_key: Path) -> list[str]:
    """What was proven, a sentence each; raises NotProvenError."""
    key = read_key(public_key)
    heads = read_heads(folder / "heads.jsonl", key)
    count = check_leaves(folder / "leaves.jsonl", heads)
    check_all_consistency(folder / "consistency.jsonl", heads)
    proven = [f"{count} leaves are what {len(heads)} signed heads attest."]
    if (folder / "record.json").exists():
        proven.append(f"record.json proves {check_record(folder / 'record.json', key)}.")
    return proven


def main() -> int:
    """0 when everything is proven, 1 with one sentence when not."""
    parser = argparse.ArgumentParser(description="Verify an exported audit trail.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--public-key", type=Path, help="the key that you were handed before")
    arguments = parser.parse_args()
    try:
        proven = verify(arguments.folder, arguments.public_key or arguments.folder / "public_key.pem")
    except NotProvenError as error:
        sys.stderr.write(f"Not proven: {error}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        sys.stderr.write(f"Not proven: a file is missing or damaged ({error}).\n")
        return 1
    sys.stdout.write("\n".join(proven) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
