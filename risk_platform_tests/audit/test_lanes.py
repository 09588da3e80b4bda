"""Many digests, roots and lines at once are those that the standard libraries make one by one."""

import hashlib
from datetime import UTC, date, datetime

import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from risk_platform.audit.byte_rows import ByteRows
from risk_platform.audit.commitments import record_hash, record_hashes, records_root
from risk_platform.audit.json_lines import array_lines, object_lines
from risk_platform.audit.lanes import Messages, prefixed_digests, put_prefix, put_rows, root_of
from risk_platform.audit.tree import leaf_hash, tree_root

ROWS = st.lists(st.binary(max_size=200), min_size=1, max_size=40)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(rows=ROWS)
@example(rows=[bytes(length) for length in (0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 128)])
@settings(max_examples=40, deadline=None)
def test_digests_side_by_side_are_those_of_hashlib(rows: list[bytes]) -> None:
    held = ByteRows.of(rows)
    lengths = held.offsets[1:] - held.offsets[:-1] + 2
    messages = Messages(lengths)
    put_prefix(messages, b"ab", len(rows))
    put_rows(messages, held, with_feed=True)
    digests = [digest.tobytes() for digest in messages.digests()]
    assert digests == [hashlib.sha256(b"ab" + row + b"\n").digest() for row in rows]


@pytest.mark.parametrize("leaves", [1, 2, 3, 63, 64, 65, 127, 128, 129, 200, 257])
def test_the_root_side_by_side_is_that_of_the_tree(leaves: int) -> None:
    hashes = [leaf_hash(str(number).encode()) for number in range(leaves)]
    numbers = ByteRows.of([str(number).encode() for number in range(leaves)])
    messages = Messages(numbers.offsets[1:] - numbers.offsets[:-1])
    put_prefix(messages, b"\x00", leaves)
    put_rows(messages, numbers, with_feed=False)
    assert root_of(messages.digests()) == tree_root(hashes)
    assert root_of(prefixed_digests(b"", messages.digests())) == tree_root(
        [hashlib.sha256(each).digest() for each in hashes]
    )


@given(rows=st.lists(st.tuples(st.binary(max_size=90), st.binary(max_size=90)), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_records_of_a_run_are_hashed_as_each_alone(rows: list[tuple[bytes, bytes]]) -> None:
    salts = b"".join(hashlib.md5(bytes([at]), usedforsecurity=False).digest() for at in range(len(rows)))
    bodies, decisions = [body for body, _ in rows], [decision for _, decision in rows]
    alone = [record_hash(salts[16 * at : 16 * at + 16], *row) for at, row in enumerate(rows)]
    assert record_hashes(salts, bodies, decisions) == alone
    assert records_root(salts, bodies, decisions) == tree_root(alone)


@given(
    rows=st.lists(
        st.tuples(
            st.none() | TEXTS,
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.booleans(),
            st.none() | st.lists(TEXTS, max_size=3),
        ),
        min_size=1,
        max_size=20,
    )
)
@example(rows=[('"\\\n\x7fé', 0, -0.0, True, []), ("", -1, 1e300, None, None)])
@settings(max_examples=60, deadline=None)
def test_lines_are_those_of_orjson(rows: list[tuple[object, ...]]) -> None:
    kinds = [pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.list_(pa.string())]
    columns = [
        pa.array(list(values), kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)
    ]
    names = ["text", "count", "share", "flag", "codes"]
    assert list(array_lines(columns)) == [orjson.dumps(row) for row in rows]
    objects = object_lines(dict(zip(names, columns, strict=True)))
    assert list(objects) == [orjson.dumps(dict(zip(names, row, strict=True))) for row in rows]
    sliced = [pa.concat_arrays([column, column]).slice(len(rows) - 1, 1) for column in columns]
    assert list(array_lines(sliced)) == [orjson.dumps(rows[-1])]


def test_times_stand_in_lines_as_numbers_and_doubles_as_their_bytes() -> None:
    moment = pa.array([datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC"))
    day = pa.array([date(1970, 1, 3), None], pa.date32())
    doubles = pa.array([[1.0, None], None], pa.list_(pa.float64()))
    assert list(array_lines([moment, day, doubles])) == [
        b'[1000000,2,"AAAAAAAA8D8AAAAAAAD4fw=="]',
        b"[null,null,null]",
    ]


@given(rows=ROWS.map(lambda rows: [row.replace(b"\n", b"") for row in rows]))
@settings(max_examples=30, deadline=None)
def test_rows_in_one_buffer_are_the_rows(rows: list[bytes]) -> None:
    held = ByteRows.of(rows)
    assert (list(held), held[-1], held[:2]) == (rows, rows[-1], rows[:2])
    assert bytes(held.joined) == b"\n".join(rows)
    twice = ByteRows.concat([held, rows])
    assert list(twice) == rows * 2
