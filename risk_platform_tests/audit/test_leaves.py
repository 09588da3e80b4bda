"""Leaves are canonical, bind their records, and say nothing about them."""

import hashlib
import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.audit.canonical import canonical_bytes
from risk_platform.audit.commitments import (
    Action,
    action_details,
    action_leaf,
    details_commitment,
    new_salts,
    record_hash,
    record_hashes,
    run_leaf,
    salt_at,
)
from risk_platform.audit.tree import leaf_hash
from risk_platform.errors import ContractError

# RFC 8785, appendix B: bits of a double and how it is written.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize(("bits", "written"), NUMBERS)
def test_numbers_are_written_as_the_standard_lists_them(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_bytes({"n": number}) == f'{{"n":{written}}}'.encode()


def test_keys_go_by_utf_16_and_control_characters_are_escaped() -> None:
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "ö": 6, "\u0080": '\u000f\n</"\\'}
    assert list(json.loads(canonical_bytes(value))) == ["\r", "1", "\u0080", "ö", "€", "😀", "\ufb33"]
    assert b'"\\u000f\\n</\\"\\\\"' in canonical_bytes(value)


@settings(deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_canonical_json_is_read_back_and_stays_as_it_is(value: dict[str, Any]) -> None:
    written = canonical_bytes(value)
    assert json.loads(written, parse_int=_number) == value
    assert canonical_bytes(json.loads(written, parse_int=_number)) == written


def _number(text: str) -> float | int:
    """A double that is whole is written without a point: beyond 2^53 it must be read as one."""
    return int(text) if abs(int(text)) < 2**53 else float(text)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, 2**53, "\ud800"])
def test_what_canonical_json_cannot_hold_is_refused(wrong: object) -> None:
    with pytest.raises(ContractError, match="RFC 8785"):
        canonical_bytes({"wrong": wrong})


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(), st.binary()), max_size=5))
def test_record_hashes_are_leaf_hashes_of_salt_and_lines(records: list[tuple[bytes, bytes]]) -> None:
    salts = new_salts(len(records))
    bodies, decisions = [body for body, _ in records], [decision for _, decision in records]
    expected = [
        leaf_hash(salt_at(salts, at) + body + b"\n" + decision) for at, (body, decision) in enumerate(records)
    ]
    assert record_hashes(salts, bodies, decisions) == expected
    assert [record_hash(salt_at(salts, at), *record) for at, record in enumerate(records)] == expected


def test_the_leaf_of_a_run_is_version_1_of_a_fixed_form() -> None:
    assert run_leaf("payment", 7, 2, 11, b"\x01\xff", None) == (
        b'{"columns":null,"events":2,"kind":"payment","known_time":11,"records":"01ff","sequence":7,"version":1}'
    )


def test_the_leaf_of_decided_payments_names_their_columns_by_a_hash() -> None:
    leaf = json.loads(run_leaf("payment", 7, 2, 11, b"\x01\xff", ["score", "level"]))
    assert leaf["columns"] == hashlib.sha256(b'["score","level"]').hexdigest()


def test_the_leaf_of_an_action_commits_to_its_details_under_a_salt() -> None:
    action = Action("signed_in", "U1", "session:9", 11, {"email": "a@b.example", "address": "10.0.0.1"})
    salt = bytes(range(16))
    details = b'{"address":"10.0.0.1","email":"a@b.example"}'
    assert action_details(action) == details
    committed = hashlib.sha256(salt + details).hexdigest()
    assert details_commitment(salt, details) == committed
    assert json.loads(action_leaf(action, salt)) == {
        "action": "signed_in",
        "actor": "U1",
        "details": committed,
        "kind": "action",
        "subject": "session:9",
        "time": 11,
        "version": 1,
    }
