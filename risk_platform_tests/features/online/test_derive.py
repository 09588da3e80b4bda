"""Expressions of a payment: their values, and null where what they read is null."""

from math import asin, cos, isnan, log, nan, radians, sin, sqrt
from typing import Any

import numpy as np
import pytest

from risk_platform.features.expressions import (
    Above,
    Distance,
    Equals,
    Log,
    Novelty,
    Ratio,
    Roundness,
    Speed,
    Surprise,
    Value,
    ZScore,
)
from risk_platform.features.online.derive import BASE_TEXTS, compile_program, derive
from risk_platform.features.online.text import NULL, word_of

COLUMNS = {"a": 0, "b": 1, "c": 2, "d": 3, "out": 4}


def value_of(expression: Any, given: list[float], text: str | None = None) -> float:
    program = compile_program({"out": expression}, COLUMNS)
    texts = np.full((len(BASE_TEXTS), 1), NULL if text is None else word_of(text), np.uint64)
    values = np.array([[*given, *[nan] * (5 - len(given))]])
    derive(program, texts, values)
    return float(values[0, 4])


def kilometres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    north = sin(radians(other_latitude - latitude) / 2) ** 2
    east = sin(radians(other_longitude - longitude) / 2) ** 2
    return 12742 * asin(sqrt(north + cos(radians(latitude)) * cos(radians(other_latitude)) * east))


DISTANCE = Distance(title="t", op="distance", of=("a", "b", "c", "d"))
KNOWN: list[tuple[Any, list[float], float]] = [
    (Value(title="t", op="value", of="b"), [1, 7.5], 7.5),
    (Above(title="t", op="above", of="a", threshold=2.0), [2.5], 1.0),
    (Above(title="t", op="above", of="a", threshold="b"), [2.5, 2.5], 0.0),
    (Ratio(title="t", op="ratio", of="a", to="b"), [3, 4], 0.75),
    (ZScore(title="t", op="zscore", of="a", mean="b", std="c"), [9, 5, 2], 2.0),
    (Log(title="t", op="log", of="a"), [9], log(10)),
    (Novelty(title="t", op="novelty", of="a"), [0], 1.0),
    (Surprise(title="t", op="surprise", of=("a", "b"), among="c", parts=4), [2, 4, 12], log(4)),
    (DISTANCE, [19.0, 73.0, 28.6, 77.2], kilometres(19.0, 73.0, 28.6, 77.2)),
    (Speed(title="t", op="speed", of="a", per="b"), [48, 0.5], 4.0),
    (Speed(title="t", op="speed", of="a", per="b"), [1, 0], 60.0),
    (Roundness(title="t", op="roundness", of="a"), [120_000], 2.0),
    (Roundness(title="t", op="roundness", of="a"), [99], 1.0),
]


@pytest.mark.parametrize(("expression", "given", "expected"), KNOWN)
def test_an_expression_has_its_value(expression: Any, given: list[float], expected: float) -> None:
    assert value_of(expression, given) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("expression", "given"), [row[:2] for row in KNOWN if not isinstance(row[0], Roundness | Value)]
)
def test_an_expression_over_null_is_null(expression: Any, given: list[float]) -> None:
    for column in range(len(given)):
        with_null = [nan if at == column else value for at, value in enumerate(given)]
        assert isnan(value_of(expression, with_null)), column


def test_nothing_is_divided_by_zero() -> None:
    assert isnan(value_of(Ratio(title="t", op="ratio", of="a", to="b"), [3, 0]))
    deviation = ZScore(title="t", op="zscore", of="a", mean="b", std="c")
    assert isnan(value_of(deviation, [9, 5, 0]))


def test_a_text_equals_itself_alone() -> None:
    stated = Equals(title="t", op="equals", of=BASE_TEXTS[0], value="UPI")
    told = [value_of(stated, [], text) for text in ("UPI", "CARD", None)]
    assert told[:2] == [1.0, 0.0]
    assert isnan(told[2])
