"""The closed list of expressions over columns of a payment: what `expressions.sql` states, compiled."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from risk_platform.features.expressions import Expression
from risk_platform.features.online.kernel import Floats, Ints, Scalar, Words, kernel, part
from risk_platform.features.online.text import NULL, word_of

# Columns of the payment itself that expressions read, as numbers and as hashes of texts.
BASE_NUMBERS = ("amount", "hour", "weekday", "latitude", "longitude")
BASE_TEXTS = ("channel", "kind", "status", "counterparty_type")
_OPERATORS = ("value", "equals", "above", "ratio", "zscore", "log", "novelty", "surprise", "distance", "speed",
              "roundness")  # fmt: skip
_VALUE, _EQUALS, _ABOVE, _RATIO, _ZSCORE, _LOG, _NOVELTY, _SURPRISE, _DISTANCE, _SPEED, _ROUNDNESS = range(11)
_OP, _OUT, _BEGIN, _END = range(4)
_SHORTEST_DAYS = 1.0 / 1440
_DIGITS = 18


class Program(NamedTuple):
    """Expressions in declared order.

    Rows of `ops` are operator, column of the result, and where in `of` the columns that it reads begin and end (for
    `equals` a place in BASE_TEXTS); `numbers` and `words` are a constant of each.
    """

    ops: Ints
    of: Ints
    numbers: Floats
    words: Words


def compile_program(expressions: Mapping[str, Expression], slots: Mapping[str, int]) -> Program:
    """The expressions over columns at `slots`, which name the results as well."""
    ops, of, numbers, words = list[list[int]](), list[int](), list[float](), list[np.uint64]()
    for name, expression in expressions.items():
        stated: Any = expression
        equals = stated.op == "equals"
        begin = len(of)
        of += [BASE_TEXTS.index(column) if equals else slots[column] for column in stated.inputs]
        ops.append([_OPERATORS.index(stated.op), slots[name], begin, len(of)])
        threshold = getattr(stated, "threshold", np.nan)
        numbers.append(getattr(stated, "parts", np.nan if isinstance(threshold, str) else threshold))
        words.append(word_of(stated.value) if equals else NULL)
    return Program(
        np.array(ops, np.int64).reshape(len(ops), 4),
        np.array(of, np.int64),
        np.array(numbers, np.float64),
        np.array(words, np.uint64),
    )


@kernel
def derive(program: Program, texts: Words, values: Floats) -> None:
    """Write every expression into `values` (payments × columns), NaN for null; `texts` are (BASE_TEXTS × payments)."""
    for i in range(len(values)):
        for e in range(len(program.ops)):
            op = program.ops[e]
            of = program.of[op[_BEGIN] : op[_END]]
            if op[_OP] == _EQUALS:
                text = texts[of[0], i]
                value = np.nan if text == NULL else np.float64(text == program.words[e])
            else:
                value = _derived(op[_OP], of, program.numbers[e], values[i])
            values[i, op[_OUT]] = value


@part
def _derived(op: Scalar, of: Ints, number: Scalar, row: Floats) -> Scalar:
    first = row[of[0]]
    if op == _VALUE:
        return first
    if op == _ABOVE:
        threshold = row[of[1]] if len(of) > 1 else number
        return np.nan if np.isnan(first) or np.isnan(threshold) else np.float64(first > threshold)
    if op == _RATIO:
        return _ratio(first, row[of[1]])
    if op == _ZSCORE:
        return _ratio(first - row[of[1]], row[of[2]])
    if op == _LOG:
        return np.log(1 + first)
    if op == _NOVELTY:
        return np.nan if np.isnan(first) else np.float64(first == 0)
    if op == _SURPRISE:
        return _surprise(of, number, row)
    if op == _DISTANCE:
        return _distance(first, row[of[1]], row[of[2]], row[of[3]])
    if op == _SPEED:
        days = row[of[1]]
        return first / ((max(days, _SHORTEST_DAYS)) * 24)
    return _roundness(first)


@part
def _ratio(of: Scalar, to: Scalar) -> Scalar:
    return np.nan if to == 0 else of / to


@part
def _surprise(of: Ints, parts: Scalar, row: Floats) -> Scalar:
    total, counts = 0.0, len(of) - 1
    for column in of[:counts]:
        total += row[column]
    return -np.log((total / counts + 1) / (row[of[counts]] + parts))


@part
def _distance(latitude: Scalar, longitude: Scalar, other_latitude: Scalar, other_longitude: Scalar) -> Scalar:
    north = np.sin(np.radians(other_latitude - latitude) / 2) ** 2
    east = np.sin(np.radians(other_longitude - longitude) / 2) ** 2
    half = north + np.cos(np.radians(latitude)) * np.cos(np.radians(other_latitude)) * east
    return 12742.0 * np.arcsin(np.sqrt(min(half, 1.0)))


@part
def _roundness(amount: Scalar) -> Scalar:
    units, zeros = np.int64(amount) // 100, 0
    if units == 0:
        return 1.0
    while zeros < _DIGITS and units % 10 == 0:
        units //= 10
        zeros += 1
    return np.float64(zeros)
