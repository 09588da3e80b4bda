from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_platform.decisions.engine import DecisionEngine
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.decisions.rules.book import RuleBook
from risk_platform.decisions.rules.columns import Features, Seen
from risk_platform.decisions.rules.language import RuleLanguageError, compile_condition
from risk_platform.decisions.rules.lists import Lists
from risk_platform.decisions.rules.rule_set import RuleSet
from risk_platform.decisions.rules.sieve import ALWAYS, NEVER, SOMETIMES, Sieve
from risk_platform.errors import InputError
from risk_platform.features.spec import load_feature_spec
from risk_platform.models.bundle import Bundle
from risk_platform_tests.decisions.small_model import FEATURES, rule_book

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = 20_532
NAMES = (*FEATURES, "hour")
LISTS = """\
blocked:
  - {id: P1, why: mule}
  - {id: P2, until: 2026-03-19}
  - {id: P3, until: 2026-03-20}
"""
RULE = """\
  - name: {name}
    description: A rule of the test.
    from: {since}
    when: {when}
    effect: {effect}
    reason_code: {code}
    mode: {mode}
"""


def rule(
    when: str,
    *,
    name: str = "large",
    effect: str = "{score_floor: 0.9}",
    mode: str = "live",
    since: str = "2026-01-01",
    code: str = "R-RULE-BLOCKED",
) -> str:
    return RULE.format(name=name, when=when, effect=effect, mode=mode, since=since, code=code)


def rules(*entries: str) -> str:
    return "degraded_level: MEDIUM\nrules:\n" + "".join(entries)


def payments(count: int = 4) -> pa.Table:
    return pa.table(
        {
            "source": ["test"] * count,
            "transaction_id": [f"t{at}" for at in range(count)],
            "event_time": pa.array([NOON] * count, pa.timestamp("us", tz="UTC")),
            "event_date": pa.array([date(2026, 3, 20)] * count),
            "amount_minor": pa.array([100, 5_000, 50_000, 500_000][:count]),
            "channel": pa.array(["UPI", "CARD", None, "IMPS"][:count]),
            "counterparty_id": pa.array(["P1", "P2", "P3", None][:count]),
        }
    )


FEATURE_VALUES = Features(
    NAMES, np.array([[1e4, 1.0, 3.0], [2e4, np.nan, 4.0], [3e4, 2.0, np.nan], [4e4, 0.0, 22.0]])
)


def certain(when: str) -> list[bool]:
    seen = Seen(payments(), FEATURE_VALUES)
    found: list[bool] = compile_condition(when, NAMES).condition(seen, Lists.parse(LISTS)).tolist()
    return found


@given(
    values=st.lists(st.tuples(*[st.sampled_from([None, 0, 1, 2])] * 3), min_size=1, max_size=4),
    parts=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "amount_minor"]),
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=3,
    ),
    joined=st.sampled_from([" and ", " or "]),
    mirrored=st.booleans(),
    known=st.sampled_from([("a", "b"), ("a",)]),
)
@settings(deadline=None)
def test_what_the_sieve_holds_back_hits_nothing(
    values: list[tuple[int | None, ...]],
    parts: list[tuple[str, str, int]],
    joined: str,
    mirrored: bool,
    known: tuple[str, ...],
) -> None:
    when = joined.join(
        f"{limit} {order} {name}" if mirrored else f"{name} {order} {limit}" for name, order, limit in parts
    )
    compiled = compile_condition(when, ("a", "b"))
    matrix = np.array(
        [[np.nan if value is None else value for value in row] for row in values], dtype=np.float64
    )
    features = Features(known, matrix[:, : len(known)].copy())
    payments = pa.table(
        {
            "event_date": pa.array([DAY] * len(values), pa.date32()),
            "amount_minor": pa.array([row[2] for row in values], pa.int64()),
        }
    )
    seen = Seen(payments, features)
    hit = compiled.condition(seen, Lists.parse(LISTS)).any()
    possible = bool(Sieve([compiled.bounds], [(DAY, DAY)]).possible(seen)[0])
    assert possible or not hit
    if len(parts) == 1 or joined == " and ":
        assert possible == hit


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (DAY, DAY + 1, ALWAYS),
        (DAY + 1, 2**31 - 1, SOMETIMES),
        (0, DAY, SOMETIMES),
        (DAY + 2, DAY + 2, NEVER),
        (0, DAY - 1, NEVER),
    ],
)
def test_the_sieve_knows_the_days_of_a_rule(first: int, last: int, expected: int) -> None:
    payments = pa.table({"event_date": pa.array([DAY + 1, DAY], pa.date32())})
    seen = Seen(payments, Features(("a",), np.array([[0.0], [1.0]])))
    assert Sieve([()], [(first, last)]).possible(seen).tolist() == [expected]


@pytest.mark.parametrize(
    ("when", "groups"),
    [
        ("counterparty_id in blocked", [{"blocked"}]),
        ("counterparty_id in blocked or customer_id in watched", [{"blocked", "watched"}]),
        ("counterparty_id in blocked and customer_id in watched", [{"blocked"}, {"watched"}]),
        ("counterparty_id in blocked or amount > 3", []),
        ("counterparty_id in blocked and amount > 3", [{"blocked"}]),
        ("not (counterparty_id in blocked)", []),
    ],
)
def test_a_condition_names_the_lists_that_it_cannot_do_without(when: str, groups: list[set[str]]) -> None:
    assert [set(group) for group in compile_condition(when, NAMES).list_groups] == groups


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("amount_minor >= 50000", [False, False, True, True]),
        ("50000 <= amount_minor", [False, False, True, True]),
        ("amount_minor * 2 - 100 > 9900", [False, False, True, True]),
        ("amount / amount_minor == 4", [False, True, False, False]),
        ("amount / (amount_minor - 100) > 0", [False, True, True, True]),
        ("-amount < -30000", [False, False, False, True]),
        ('channel == "UPI"', [True, False, False, False]),
        ('channel != "UPI"', [False, True, False, True]),
        ('channel in ["UPI", "IMPS"]', [True, False, False, True]),
        ('not (channel in ["UPI", "IMPS"])', [False, True, False, False]),
        ("channel == null", [False, False, True, False]),
        ("hour != null", [True, True, False, True]),
        ("hour < 5", [True, True, False, False]),
        ("not (hour < 5)", [False, False, False, True]),
        ("hour == 3", [True, False, False, False]),
        ("hour != 3", [False, True, False, True]),
        ("hour < 5 or amount_minor > 10000", [True, True, True, True]),
        ("hour < 5 and amount_minor > 1000", [False, True, False, False]),
        ("counterparty_id in blocked", [True, False, True, False]),
        ("not (counterparty_id in blocked)", [False, True, False, False]),
    ],
)
def test_conditions_hit_what_is_certainly_true(when: str, expected: list[bool]) -> None:
    assert certain(when) == expected


@given(
    st.lists(st.one_of(st.none(), st.integers(-2, 2)), min_size=2, max_size=2),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.booleans(),
)
def test_a_comparison_is_true_false_or_unknown(values: list[int | None], order: str, negated: bool) -> None:
    """Against the plain reading of one row: unknown when either side is, and then no hit, negated or not."""
    numbers = [np.nan if value is None else float(value) for value in values]
    seen = Seen(payments(1), Features(("a", "b"), np.array([numbers])))
    text = f"not (a {order} b)" if negated else f"a {order} b"
    found = compile_condition(text, ("a", "b")).condition(seen, Lists.parse(LISTS))
    known = None not in values
    plain = known and bool(eval(f"{values[0]} {order} {values[1]}")) != negated
    assert bool(found[0]) == plain


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("amont > 3", "'amont' is no feature, column or list, did you mean 'amount'"),
        ("channel > 3", "data type mismatch"),
        ("channel == 3", "a text is compared by == or != with a text in quotes"),
        ("channel < 'A'", "a text is compared"),
        ("amount >", "cannot be read"),
        ("amount", "'amount' is not a condition"),
        ("amount and hour > 3", "'amount' is not a condition"),
        ("channel =~ 'U.*'", "is not a condition"),
        ("channel.length > 2", "is not a number"),
        ("$now > $now", "is not a number"),
        ("$abs(amount) > 2", "is not a number"),
        ("[x for x in blocked]", "is not a condition"),
        ("amount in blocked", "in takes a column of text on its left"),
        ("channel in [1, 2]", "texts in brackets"),
        ("amount ** 2 > 3", "is not a number"),
        ("amount > 1 ? hour > 2 : hour > 3", "is not a condition"),
    ],
)
def test_what_is_no_condition_is_refused(when: str, sentence: str) -> None:
    with pytest.raises(RuleLanguageError, match=sentence.replace("?", r"\?")):
        compile_condition(when, NAMES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (rules(rule("amont > 3")), r"rules\.yaml: line 6: large: 'amont' is no feature"),
        (rules(rule("amount > 3", since="yesterday")), r"line 5: from: .*valid date"),
        (rules(rule("amount > 3", code="R-RULE-NIHGT")), r"line 8: .* did you mean 'R-RULE-NIGHT'"),
        (
            rules(rule("amount > 3", effect="{score_floor: 2}")),
            r"line 7: score_floor: .*less than or equal to 1",
        ),
        (rules(rule("amount > 3", effect="{}")), r"line 7: effect: an effect has"),
        (rules(rule("amount > 3", mode="loud")), r"line 9: mode: Input should be 'live' or 'shadow'"),
        (
            rules(rule("amount > 3", effect="{advise: hold}")),
            r"'advise' is not a known key, did you mean 'advice'",
        ),
        (rules(rule("amount > 3"), rule("amount > 4")), r"line 10: two rules are called 'large'"),
        ("degraded_level: LOW\nrules: []\n", r"line 1: degraded_level: Input should be"),
        ("rules: []\n", "'degraded_level' is missing"),
        ("degraded_level: [\n", "this is not YAML"),
    ],
)
def test_a_wrong_rule_set_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        RuleSet.parse(text, NAMES, ReasonDictionary.shipped())


def test_a_rule_that_ends_before_it_begins_is_refused() -> None:
    text = rules(rule("amount > 3").replace("when:", "until: 2025-01-01\n    when:"))
    with pytest.raises(InputError, match="ends on 2025-01-01, before it begins"):
        RuleSet.parse(text, NAMES, ReasonDictionary.shipped())


def test_lists_are_refused_by_line() -> None:
    with pytest.raises(InputError, match=r"line 3: 'P1' is on the list blocked twice"):
        Lists.parse("blocked:\n  - {id: P1}\n  - {id: P1}\n")
    with pytest.raises(InputError, match="'banned' is not a known key"):
        Lists.parse("banned: []\n")


def test_the_starter_rules_are_right() -> None:
    book = RuleBook.shipped(load_feature_spec().names, ReasonDictionary.shipped())
    assert {rule.mode for rule in book.rules.rules} == {"live", "shadow"}
    assert len(book.rules.rules) >= 15


def test_a_kept_rule_book_is_the_same() -> None:
    book = rule_book(rules(rule("amount > 3")), LISTS)
    again = RuleBook.parse(book.document, NAMES, ReasonDictionary.shipped())
    assert (again.hash, again.rules.rules) == (book.hash, book.rules.rules)
    assert rule_book(rules(rule("amount > 4")), LISTS).hash != book.hash != rule_book().hash
    assert rule_book(rules(rule("amount > 3"))).hash != book.hash


def decide(model: Bundle, thresholds: Thresholds, *entries: str) -> list[dict[str, object]]:
    engine = DecisionEngine(model, thresholds, ReasonDictionary.shipped(), rule_book(rules(*entries), LISTS))
    decisions = engine.decide(
        payments(), FEATURE_VALUES, decided_time=NOON, decided_by="engine", features_version=-1
    )
    found: list[dict[str, object]] = decisions.to_pylist()
    return found


def test_a_floor_lifts_score_level_and_advice_and_brings_reasons(
    model: Bundle, thresholds: Thresholds
) -> None:
    untouched, _, lifted, _ = decide(model, thresholds, rule("amount_minor == 50000"))
    assert (untouched["level"], untouched["rule_hits"], untouched["reason_codes"]) == ("LOW", [], [])
    assert (lifted["score"], lifted["level"], lifted["advice"]) == (0.9, "CRITICAL", "block")
    assert lifted["alerted"] is True
    assert lifted["rule_hits"] == ["large"]
    codes, attributions = lifted["reason_codes"], lifted["attributions"]
    assert isinstance(codes, list)
    assert codes[0] == "R-RULE-BLOCKED"
    assert isinstance(attributions, list)
    assert sum(attributions) == pytest.approx(lifted["margin"], abs=1e-6)
    probability = lifted["probability"]
    assert isinstance(probability, float)
    assert probability < 0.5


def test_an_advice_is_the_least_that_is_advised(model: Bundle, thresholds: Thresholds) -> None:
    mild = rule("amount_minor > 0", name="mild", effect="{advice: step_up}")
    strict = rule("amount_minor == 100", name="strict", effect="{advice: hold, tag: x}")
    first, second, *_ = decide(model, thresholds, mild, strict)
    assert (first["level"], first["advice"], first["rule_hits"]) == ("LOW", "hold", ["mild", "strict"])
    assert (second["advice"], second["rule_hits"]) == ("step_up", ["mild"])
    # What is LOW needs no reason, but whose advice a rule changed gets one.
    assert first["reason_codes"] == ["R-RULE-BLOCKED"]


def test_a_rule_in_shadow_is_recorded_and_does_nothing(model: Bundle, thresholds: Thresholds) -> None:
    with_it = decide(model, thresholds, rule("amount_minor > 0", mode="shadow"))
    assert [row["rule_hits"] for row in with_it] == [["shadow:large"]] * 4
    for name in ("score", "level", "advice", "alerted"):
        assert [row[name] for row in with_it] == [
            row[name] for row in decide(model, thresholds, rule("hour > 99"))
        ]


@pytest.mark.parametrize(
    ("since", "until", "hits"),
    [("2026-03-20", "2026-03-20", 4), ("2026-03-21", "2026-03-22", 0), ("2026-03-01", "2026-03-19", 0)],
)
def test_a_rule_holds_on_its_days(
    model: Bundle, thresholds: Thresholds, since: str, until: str, hits: int
) -> None:
    dated = rule("amount_minor > 0", since=since).replace("when:", f"until: {until}\n    when:")
    assert sum(row["rule_hits"] == ["large"] for row in decide(model, thresholds, dated)) == hits


def test_values_that_rules_alone_look_at_are_stored(model: Bundle, thresholds: Thresholds) -> None:
    rows = decide(model, thresholds, rule("hour < 5 and amount > 0"))
    assert [row["rule_values"] for row in rows] == [[3.0], [4.0], [None], [22.0]]
    assert rows[0]["feature_values"] == [1e4, 1.0]
