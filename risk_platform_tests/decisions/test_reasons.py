import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_platform.decisions.reasons import ReasonDictionary, ReasonGroups, window_words
from risk_platform.errors import ContractError
from risk_platform.features.spec import load_feature_spec
from risk_platform.transactions.canonical import RECORDS

DICTIONARY = ReasonDictionary.shipped()
FEATURES = load_feature_spec().names
NAN = math.nan


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_of_the_spec_has_a_code_a_title_and_three_sentences(feature: str) -> None:
    wording = DICTIONARY.wording(feature)
    assert re.fullmatch(r"R-[A-Z]+(-[A-Z]+)*", wording.code)
    assert DICTIONARY.title(wording.code) == wording.title
    for value in (0.0, 3.4, NAN):
        sentence = wording.tell(value, "INR")
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence[0] == "₹"
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert "nan" not in sentence


@pytest.mark.parametrize(
    ("feature", "column", "unseen", "unnamed"),
    [
        (
            "customer_city_payment_age_last_90d",
            "city",
            "No payment by this customer in this city in the last 90 days",
            "The payment names no city.",
        ),
        (
            "customer_device_payment_age_last_90d",
            "device_id",
            "No payment by this customer on this device in the last 90 days",
            "The payment names no device.",
        ),
        (
            "customer_mcc_payment_age_last_90d",
            "mcc",
            "No payment by this customer in this merchant category in the last 90 days",
            "The payment names no merchant category.",
        ),
    ],
)
def test_a_missing_value_says_whether_the_payment_names_what_it_is_about(
    feature: str, column: str, unseen: str, unnamed: str
) -> None:
    wording = DICTIONARY.wording(feature)
    assert wording.tell(NAN, "INR", {column: "known"}) == f"{unseen}."
    assert wording.tell(NAN, "INR", {column: None}) == unnamed
    assert wording.tell(NAN, "INR") == f"{unseen}, or {unnamed[0].lower()}{unnamed[1:]}"
    assert "names no" not in wording.tell(3.0, "INR", {column: "known"})


def test_every_entity_that_a_payment_may_not_name_is_told_so() -> None:
    optional = {
        field.name for field in RECORDS["payments"].fields if not field.required and field.default is None
    }
    for feature in FEATURES:
        entity = DICTIONARY.wording(feature).words.get("entity")
        if isinstance(entity, dict):
            assert ("absent" in entity) == (entity.get("column") in optional), feature


@pytest.mark.parametrize(
    ("feature", "value", "sentence"),
    [
        ("amount", 12_345_600.0, "The amount is ₹1,23,456.00."),
        ("customer_amount_to_mean_90d", 6.23, "The amount is 6.2 times what this customer usually pays."),
        (
            "customer_amount_to_mean_90d",
            0.4,
            "The amount is 0.4 times what this customer usually pays, no more than usual.",
        ),
        (
            "customer_amount_to_mean_90d",
            NAN,
            "This customer has no genuine payment in the last 90 days to compare the amount with.",
        ),
        (
            "customer_amount_zscore_90d",
            -2.5,
            "The amount is 2.5 standard deviations below what this customer usually pays.",
        ),
        ("customer_payment_count_1h", 1.0, "1 payment by this customer in the last hour."),
        (
            "customer_amount_sum_1d",
            4_50_000_00.0,
            "₹4,50,000.00 in payments by this customer in the last 24 hours.",
        ),
        ("counterparty_payment_age_last_7d", 0.125, "The last payment to this payee was 3 hours ago."),
        (
            "counterparty_fraud_rate_7d",
            0.12,
            "12 % of the payments to this payee with a known outcome in the last 7 days "
            "were reported as fraud.",
        ),
        (
            "counterparty_fraud_rate_7d",
            0.0,
            "None of the payments to this payee with a known outcome in the last 7 days "
            "were reported as fraud.",
        ),
        (
            "counterparty_fraud_run_length_42d",
            3.0,
            "Reported as fraud without a genuine one between: "
            "the latest 3 payments to this payee with a known outcome.",
        ),
        (
            "customer_counterparty_novelty_90d",
            1.0,
            "There was no payment by this customer to this payee in the last 90 days; this is the first.",
        ),
        (
            "customer_devices_distinct_7d",
            4.0,
            "Different devices in payments by this customer in the last 7 days: 4.",
        ),
        ("weekday", 7.0, "It was paid on a Sunday."),
        ("is_upi", 0.0, "Not paid by UPI."),
    ],
)
def test_a_value_is_told_with_its_comparison(feature: str, value: float, sentence: str) -> None:
    assert DICTIONARY.wording(feature).tell(value, "INR") == sentence


@pytest.mark.parametrize(
    ("feature", "sentence"),
    [
        ("device_payment_count_30d", "2 payments on this device in the last 30 days."),
        (
            "instrument_amount_max_3d",
            "The largest payment with this card or account in the last 3 days was ₹0.02.",
        ),
        (
            "device_amount_min_7d",
            "Amounts of payments on this device in the last 7 days, smallest: 2.0.",
        ),
    ],
)
def test_a_feature_of_tomorrow_in_the_grammar_is_told_too(feature: str, sentence: str) -> None:
    assert DICTIONARY.wording(feature).tell(2.0, "INR") == sentence


def test_codes_tell_entities_apart() -> None:
    codes = [DICTIONARY.wording(f"{entity}_fraud_count_90d").code for entity in ("customer", "device")]
    assert codes == ["R-CUSTOMER-FRAUD", "R-DEVICE-FRAUD"]
    assert [DICTIONARY.title(code) for code in codes] == [
        "Customer: reported fraud",
        "Device: reported fraud",
    ]


def test_a_feature_without_wording_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="No reason code covers feature 'phase_of_the_moon'"):
        DICTIONARY.wording("phase_of_the_moon")


def test_an_unknown_code_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="R-NONSENSE"):
        DICTIONARY.title("R-NONSENSE")


def test_a_dictionary_with_a_typo_names_the_place() -> None:
    with pytest.raises(ContractError, match=r"wrong at reasons\.0\.abov"):
        ReasonDictionary.parse(
            "words: {}\nreasons: [{code: R-A, title: a, features: [a], above: A., abov: B.}]"
        )


@pytest.mark.parametrize(
    ("window", "words"),
    [("1h", "hour"), ("1d", "24 hours"), ("7d", "7 days"), ("6h", "6 hours"), ("15m", "15 minutes")],
)
def test_windows_in_words(window: str, words: str) -> None:
    assert window_words(window) == words


GROUPED = ("amount", "counterparty_fraud_rate_7d", "counterparty_fraud_count_7d", "customer_payment_count_1h")


def test_attributions_of_one_code_add_up() -> None:
    groups = ReasonGroups(DICTIONARY, GROUPED)
    rows = np.array([[0.5, 0.4, 0.3, -1.0], [-0.1, -0.2, 0.1, -0.3], [2.0, 0.1, 0.1, 0.15]])
    assert groups.strongest(rows, 2) == [
        ["R-COUNTERPARTY-FRAUD", "R-AMOUNT"],
        [],
        ["R-AMOUNT", "R-COUNTERPARTY-FRAUD"],
    ]


def test_a_reason_is_told_by_its_leading_feature() -> None:
    told = ReasonGroups(DICTIONARY, GROUPED).told([100.0, 0.5, 2.0, 1.0], [0.5, 0.4, 0.3, -1.0], "EUR")
    assert [(reason.code, round(reason.attribution, 3)) for reason in told] == [
        ("R-COUNTERPARTY-FRAUD", 0.7),
        ("R-AMOUNT", 0.5),
        ("R-CUSTOMER-VELOCITY", -1.0),
    ]
    assert told[0].feature == "counterparty_fraud_rate_7d"
    assert told[1].sentence == "The amount is €1.00."


@given(st.lists(st.floats(-5, 5), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_no_attribution_is_lost_or_counted_twice(attributions: list[float]) -> None:
    told = ReasonGroups(DICTIONARY, FEATURES).told([1.0] * len(FEATURES), attributions, "INR")
    assert sum(reason.attribution for reason in told) == pytest.approx(sum(attributions), abs=1e-9)
