"""A mapping is right, or refused with the line that is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from risk_platform.errors import InputError
from risk_platform.transactions.mapping import SourceMapping, load_mapping, parse_mapping, shipped_mappings
from risk_platform.transactions.marked_yaml import parse_yaml

SMALL = """source: shop
columns:
  transaction_id: id
  event_time: {column: when, timezone: UTC}
  customer_id: who
  amount: amt
constants:
  channel: CARD
label_delay: 7d
"""


def mapping_of(text: str) -> SourceMapping:
    return parse_mapping(parse_yaml(text, "shop.yaml"))


def refusal_of(text: str) -> str:
    with pytest.raises(InputError) as refused:
        mapping_of(text)
    return str(refused.value)


def test_every_shipped_mapping_is_right() -> None:
    expected = ("canonical", "canonical_judgements", "canonical_outcomes", "canonical_parties", "handbook")
    assert shipped_mappings() == expected
    assert [load_mapping(name).kind for name in expected] == [
        "payments",
        "judgements",
        "outcomes",
        "parties",
        "payments",
    ]


def test_the_handbook_mapping_says_what_the_book_says() -> None:
    mapping = load_mapping("handbook")
    assert (mapping.source, mapping.label_delay) == ("handbook", timedelta(days=7))
    assert mapping.columns["amount"].source_columns == ("TX_AMOUNT",)


def test_a_bare_name_is_the_column() -> None:
    assert mapping_of(SMALL).columns["customer_id"].column == "who"


def test_yes_and_no_stay_the_words_that_were_written() -> None:
    text = SMALL.replace("constants:", "  is_fraud: {column: f, values: {Yes: true, No: false}}\nconstants:")
    assert mapping_of(text).columns["is_fraud"].values == {"Yes": "true", "No": "false"}


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "  event_time:",
            "  evnt_time:",
            "line 4: 'evnt_time' is not a canonical name of payments, did you mean 'event_time'?",
        ),
        ("timezone: UTC", "timezon: UTC", "line 4: 'timezon' is not a known key, did you mean 'timezone'?"),
        (
            "timezone: UTC",
            "timezone: Mars",
            "line 4: timezone: 'Mars' is not an IANA time zone such as Asia/Kolkata.",
        ),
        ("source: shop", "sourc: shop", "line 1: 'sourc' is not a known key, did you mean 'source'?"),
        ("label_delay: 7d", "label_delay: soon", "line 9: label_delay: 'soon' is not a duration"),
        (
            "  amount: amt",
            "  amount: {column: amt, unit: h}",
            "line 6: 'unit' says nothing about amount, which is an amount.",
        ),
        (
            "  amount: amt",
            "  amount: {column: amt, scale: two}",
            "line 6: scale: Input should be a valid integer",
        ),
        (
            "  amount: amt",
            "  amount: {column: amt, template: '{a}'}",
            "line 6: amount: give exactly one of column, template",
        ),
        (
            "  transaction_id: id",
            "  transaction_id: {template: x}",
            "line 3: the template names no column in braces",
        ),
        ("  transaction_id: id\n", "", "customer_id"),
        (
            "  channel: CARD",
            "  chanel: CARD",
            "line 8: 'chanel' is not a canonical name of payments, did you mean 'channel'?",
        ),
        (
            "  customer_id: who",
            "  customer_id: who\n  customer_id: me",
            "line 6: 'customer_id' is given twice.",
        ),
        (
            "label_delay: 7d",
            "label_delay: 7d\ndelimiter: ab",
            "line 10: delimiter: 'ab' is not one ASCII character",
        ),
        (
            "label_delay: 7d",
            "label_delay: 7d\nencoding: utf-9",
            "line 10: encoding: 'utf-9' is not an encoding",
        ),
        (
            "label_delay: 7d",
            "label_delay: 7d\nformat: parket",
            "line 10: format: Input should be 'csv' or 'parquet'.",
        ),
        ("label_delay: 7d", "label_delay: 7d\nkind: payment", "line 10: kind: Input should be 'payments'"),
        ("columns:", "columns: {", "this is not YAML"),
    ],
)
def test_a_wrong_line_is_named(right: str, wrong: str, sentence: str) -> None:
    assert right in SMALL
    if right == "  transaction_id: id\n":
        assert refusal_of(SMALL.replace(right, wrong)).endswith(
            "transaction_id: no column and no constant gives it."
        )
    else:
        assert sentence in refusal_of(SMALL.replace(right, wrong))


def test_all_wrong_lines_are_named_at_once() -> None:
    text = SMALL.replace("  event_time:", "  evnt_time:").replace("  amount:", "  amout:")
    assert refusal_of(text) == (
        "shop.yaml: line 4: 'evnt_time' is not a canonical name of payments, did you mean 'event_time'?; "
        "line 6: 'amout' is not a canonical name of payments, did you mean 'amount'?."
    )


def test_a_name_that_is_no_mapping_suggests_a_shipped_one(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="neither a mapping file nor a shipped mapping, did you mean 'handbook'"
    ):
        load_mapping("handbok")
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    with pytest.raises(InputError, match="is empty"):
        load_mapping(empty)


def test_the_fingerprint_knows_meaning_not_layout() -> None:
    same = SMALL.replace("{column: when, timezone: UTC}", "{timezone: UTC,   column: when}")
    other = SMALL.replace("7d", "8d")
    assert mapping_of(SMALL).fingerprint == mapping_of(same).fingerprint != mapping_of(other).fingerprint
