"""The closed list of expressions over columns of a batch: what `expressions.sql` states, in numpy."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from risk_platform.features.expressions import Expression
from risk_platform.features.online.kernel import Floats
from risk_platform.features.online.text import NULL, word_of

# Names of the payment: numbers with NaN for null, or hashes of texts.
Values = dict[str, Any]
_POWERS_OF_TEN = 10 ** np.arange(1, 19)


def derive(expressions: Mapping[str, Expression], values: Values) -> None:
    """Add every expression to `values`, in declared order, NaN for null."""
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, expression in expressions.items():
            values[name] = _OPERATORS[expression.op](expression, values)


def _equals(e: Any, values: Values) -> Floats:
    words = values[e.of]
    return np.where(words == NULL, np.nan, np.where(words == word_of(e.value), 1.0, 0.0))


def _above(e: Any, values: Values) -> Floats:
    of = values[e.of]
    threshold = values[e.threshold] if isinstance(e.threshold, str) else e.threshold
    return _known((of > threshold).astype(np.float64), of, threshold)


def _ratio(e: Any, values: Values) -> Floats:
    to = values[e.to]
    return np.where(to == 0, np.nan, values[e.of] / to)


def _zscore(e: Any, values: Values) -> Floats:
    std = values[e.std]
    return np.where(std == 0, np.nan, (values[e.of] - values[e.mean]) / std)


def _novelty(e: Any, values: Values) -> Floats:
    return _known((values[e.of] == 0).astype(np.float64), values[e.of])


def _surprise(e: Any, values: Values) -> Floats:
    total = sum(values[name] for name in e.of)
    surprise: Floats = -np.log((total / len(e.of) + 1) / (values[e.among] + e.parts))
    return surprise


def _distance(e: Any, values: Values) -> Floats:
    latitude, longitude, other_latitude, other_longitude = (values[name] for name in e.of)
    north = np.sin(np.radians(other_latitude - latitude) / 2) ** 2
    east = np.sin(np.radians(other_longitude - longitude) / 2) ** 2
    half = north + np.cos(np.radians(latitude)) * np.cos(np.radians(other_latitude)) * east
    kilometres: Floats = 12742.0 * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return kilometres


def _speed(e: Any, values: Values) -> Floats:
    speed: Floats = values[e.of] / (np.maximum(values[e.per], 1.0 / 1440) * 24)
    return speed


def _roundness(e: Any, values: Values) -> Floats:
    units = values[e.of].astype(np.int64) // 100
    zeros = (units[:, None] % _POWERS_OF_TEN == 0).sum(axis=1)
    return np.where(units == 0, 1.0, zeros.astype(np.float64))


def _known(result: Floats, *inputs: Any) -> Floats:
    """`result` where no input is null."""
    for value in inputs:
        result = np.where(np.isnan(value), np.nan, result)
    return result


_OPERATORS: dict[str, Callable[[Any, Values], Floats]] = {
    "value": lambda e, values: values[e.of],
    "equals": _equals,
    "above": _above,
    "ratio": _ratio,
    "zscore": _zscore,
    "log": lambda e, values: np.log(1 + values[e.of]),
    "novelty": _novelty,
    "surprise": _surprise,
    "distance": _distance,
    "speed": _speed,
    "roundness": _roundness,
}
