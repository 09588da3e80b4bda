"""CSV bytes are cut into records; what is none is named by its number and costs no other record."""

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.errors import InputError
from risk_platform.transactions.csv_records import LONGEST_RECORD, CsvRecords


class Trickle(BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size)


def records_of(
    data: bytes, size: int = 1 << 20, **dialect: str
) -> tuple[list[tuple[int, str]], list[tuple[int, str, str]]]:
    """Numbered records and refusals below a header of three columns."""
    options = {"delimiter": ",", "quote": '"', "encoding": "utf-8", **dialect}
    records = CsvRecords(Trickle(data, size), "some.csv", **options)
    assert records.first_line() == b"a,b,c".replace(b",", options["delimiter"].encode())
    blocks = list(records.blocks(3))
    good = [pair for block in blocks for pair in zip(block.lines.tolist(), block.split(), strict=True)]
    return good, [(bad.line, bad.rule, bad.text) for block in blocks for bad in block.refused]


def test_lines_are_records_numbered_from_one() -> None:
    assert records_of(b"a,b,c\n1,2,3\n\n4,5,6") == ([(1, "1,2,3"), (2, "4,5,6")], [])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_byte_order_mark_and_mixed_line_breaks(size: int) -> None:
    data = b"\xef\xbb\xbfa,b,c\r\n1,2,3\r4,5,6\n7,8,9\r\n"
    assert records_of(data, size) == ([(1, "1,2,3"), (2, "4,5,6"), (3, "7,8,9")], [])


def test_ragged_nul_and_bytes_that_are_no_text_cost_one_record_each() -> None:
    good, bad = records_of(b"a,b,c\n1,2,3\n1,2\n1,2,3,4\nx\0,2,3\n\xff,2,3\n4,5,6\n")
    assert good == [(1, "1,2,3"), (6, "4,5,6")]
    assert bad == [
        (2, "row_ragged", "1,2"),
        (3, "row_ragged", "1,2,3,4"),
        (4, "row_has_nul", "x\0,2,3"),
        (5, "row_not_utf8", "�,2,3"),
    ]


def test_a_quoted_value_may_hold_delimiters_and_line_breaks() -> None:
    assert records_of(b'a,b,c\n1,"x,\ny ""z""",3\n4,5,6\n') == ([(1, '1,"x,\ny ""z""",3'), (2, "4,5,6")], [])


@pytest.mark.parametrize("size", [5, 1000])
def test_a_quote_that_never_closes_costs_its_line_only(size: int) -> None:
    good, bad = records_of(b'a,b,c\n1,"2,3\n4,5,6\n7,8,9\n', size)
    assert good == [(2, "4,5,6"), (3, "7,8,9")]
    assert bad == [(1, "row_ragged", '1,"2,3')]


def test_a_quote_inside_an_unquoted_value_is_a_character() -> None:
    lines = ['1,5" pipe,3', "4,5,6", '7,6" pipe,9', '7,"",9', 'x"",y"z"a,9']
    assert records_of(("a,b,c\n" + "\n".join(lines)).encode()) == (list(enumerate(lines, start=1)), [])


def test_an_unclosed_quote_does_not_swallow_the_next_record() -> None:
    good, bad = records_of(b'a,b,c\n1,"2,3\n4,"x",6\n7,8,9\n')
    assert good == [(2, '4,"x",6'), (3, "7,8,9")]
    assert bad == [(1, "row_ragged", '1,"2,3')]


def test_a_value_that_runs_on_after_its_closing_quote_is_refused() -> None:
    assert records_of(b'a,b,c\n1,"2"x,3\n4,5,6\n') == ([(2, "4,5,6")], [(1, "row_ragged", '1,"2"x,3')])


def test_quotes_that_quote_nothing_are_named() -> None:
    data = b"a,b,c\n" + b'1,"5 pipe,3\n4,5,6\n' * 1500
    with pytest.raises(InputError, match="opens quotes that never close in more than 1000 lines"):
        records_of(data)
    assert len(records_of(data, quote="")[0]) == 3000


@pytest.mark.parametrize("size", [1 << 16, 1 << 22])
def test_an_overlong_record_is_cut_and_costs_itself_only(size: int) -> None:
    giant = b"x" * (10 << 20)
    good, bad = records_of(b"a,b,c\n1,2,3\n1," + giant + b",3\n4,5,6\n", size)
    assert good == [(1, "1,2,3"), (3, "4,5,6")]
    assert bad == [(2, "row_overlong", ("1," + "x" * 200)[:200])]


def test_an_overlong_last_record() -> None:
    good, bad = records_of(b"a,b,c\n1,2,3\n1,2," + b"x" * (LONGEST_RECORD + 1))
    assert good == [(1, "1,2,3")]
    assert [(line, rule) for line, rule, _ in bad] == [(2, "row_overlong")]


def test_encodings() -> None:
    assert records_of("a,b,c\né,2,3\n".encode("latin-1"), encoding="latin-1")[0] == [(1, "é,2,3")]
    assert records_of("a,b,c\né,2,3\n".encode("utf-16"), encoding="utf-16")[0] == [(1, "é,2,3")]
    assert records_of(b"a;b;c\n'x;y';2;3\n", delimiter=";", quote="'")[0] == [(1, "'x;y';2;3")]
    with pytest.raises(InputError, match="is not utf-16 text"):
        records_of("a,b,c\né,2,3\n".encode("utf-16") + b"\x00\xd8\x41", encoding="utf-16")


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)] * 3),
        max_size=20,
    ),
    st.integers(1, 40),
)
def test_what_a_csv_writer_writes_comes_back(rows: list[tuple[str, str, str]], size: int) -> None:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    good, bad = records_of(text.getvalue().encode(), size)
    assert bad == []
    assert [tuple(next(csv.reader(StringIO(record)))) for _, record in good] == rows


@given(st.binary(max_size=200), st.integers(1, 40))
def test_any_bytes_are_read_the_same_in_any_pieces(data: bytes, size: int) -> None:
    whole, trickled = records_of(b"a,b,c\n" + data), records_of(b"a,b,c\n" + data, size)
    assert trickled == whole
    numbers = sorted([line for line, _ in whole[0]] + [line for line, _, _ in whole[1]])
    assert numbers == list(range(1, len(numbers) + 1))
