"""The rule language: conditions parsed by the library rule-engine, evaluated over whole columns.

The library gives grammar, types and refusal of unknown names; of its syntax only what is listed here is
allowed, so a condition has no functions, no attributes and no loops. Evaluation is by columns, in the logic of
three values (Kleene): a comparison with an unknown value is unknown, and only what is certainly true hits.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_platform.decisions.rules.columns import NUMBERS, PAYMENT_COLUMNS, TEXTS, Bools, Floats, Seen
from risk_platform.decisions.rules.lists import LIST_NAMES, Lists
from risk_platform.transactions.marked_yaml import suggestion


class RuleLanguageError(ValueError):
    """A condition that is not one; the message says what is wrong with it."""


@dataclass(frozen=True)
class Truth:
    """Where a condition is certainly true and where it is certainly false; elsewhere it is unknown."""

    true: Bools
    false: Bools


Condition = Callable[[Seen, Lists], Truth]
Number = Callable[[Seen], Floats]


@dataclass(frozen=True)
class Compiled:
    """A condition, and the features and columns of the payment that it looks at."""

    condition: Condition
    features: frozenset[str]
    columns: frozenset[str]
    lists: frozenset[str]


def compile_condition(text: str, features: Iterable[str]) -> Compiled:
    """The condition that `text` says over `features`, columns of the payment and lists.

    Raises RuleLanguageError naming what is wrong.
    """
    from rule_engine import errors

    known = tuple(features)
    try:
        expression, symbols = _parse(text, known)
    except errors.SymbolResolutionError as error:
        hint = suggestion(error.symbol_name, (*PAYMENT_COLUMNS, *LIST_NAMES, *known))
        raise RuleLanguageError(f"{error.symbol_name!r} is no feature, column or list{hint}") from error
    except errors.EngineError as error:
        raise RuleLanguageError(f"{text!r} cannot be read: {error.message}") from error
    condition = _condition(expression)
    used = frozenset(symbols)
    return Compiled(
        condition,
        used - frozenset(PAYMENT_COLUMNS) - frozenset(LIST_NAMES),
        used & frozenset(PAYMENT_COLUMNS),
        used & frozenset(LIST_NAMES),
    )


def _parse(text: str, features: tuple[str, ...]) -> tuple[Any, set[str]]:
    import rule_engine

    context = rule_engine.Context(type_resolver=_types(features), default_timezone="utc")
    return rule_engine.Rule(text, context=context).statement.expression, context.symbols


@cache
def _types(features: tuple[str, ...]) -> Mapping[str, Any]:
    from rule_engine import DataType

    numbers = dict.fromkeys((*features, *NUMBERS), DataType.FLOAT)
    lists = dict.fromkeys(LIST_NAMES, DataType.SET(DataType.STRING))
    return {**numbers, **dict.fromkeys(TEXTS, DataType.STRING), **lists}


def _condition(node: Any) -> Condition:
    name = type(node).__name__
    if name == "LogicExpression":
        return _logic(node.type, _condition(node.left), _condition(node.right))
    if name == "UnaryExpression" and node.type == "not":
        return _negation(_condition(node.right))
    if name in ("ComparisonExpression", "ArithmeticComparisonExpression"):
        return _comparison(node)
    if name == "ContainsExpression":
        return _membership(node)
    raise RuleLanguageError(f"{_said(node)} is not a condition; write comparisons joined by and, or, not")


def _logic(kind: str, left: Condition, right: Condition) -> Condition:
    def both(seen: Seen, lists: Lists) -> Truth:
        one, other = left(seen, lists), right(seen, lists)
        return Truth(one.true & other.true, one.false | other.false)

    def either(seen: Seen, lists: Lists) -> Truth:
        one, other = left(seen, lists), right(seen, lists)
        return Truth(one.true | other.true, one.false & other.false)

    return both if kind == "and" else either


def _negation(inner: Condition) -> Condition:
    def negated(seen: Seen, lists: Lists) -> Truth:
        truth = inner(seen, lists)
        return Truth(truth.false, truth.true)

    return negated


_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}


def _comparison(node: Any) -> Condition:
    sides = (type(node.left).__name__, type(node.right).__name__)
    if "NullExpression" in sides:
        return _known(node.left if sides[1] == "NullExpression" else node.right, node.type)
    if _is_text(node.left) or _is_text(node.right):
        return _text_comparison(node)
    left, right = _number(node.left), _number(node.right)
    compare, opposite = _ORDERS[node.type], _ORDERS[_OPPOSITE[node.type]]

    def compared(seen: Seen, _: Lists) -> Truth:
        one, other = left(seen), right(seen)
        # Comparisons with NaN are false, but for "not equal".
        known = ~(np.isnan(one) | np.isnan(other)) if node.type in ("eq", "ne") else True
        return Truth(compare(one, other) & known, opposite(one, other) & known)

    return compared


_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


def _known(node: Any, kind: str) -> Condition:
    """Whether a value is unknown (== null) or known (!= null): the one comparison that is never unknown."""
    if not _is_symbol(node) or node.name in LIST_NAMES or kind not in ("eq", "ne"):
        raise RuleLanguageError("null can be compared with one feature or column only, by == or !=")
    name = node.name

    def compared(seen: Seen, _: Lists) -> Truth:
        unknown = _unknown(seen.text(name)) if name in TEXTS else np.isnan(seen.number(name))
        return Truth(unknown, ~unknown) if kind == "eq" else Truth(~unknown, unknown)

    return compared


def _text_comparison(node: Any) -> Condition:
    column, literal = (node.left, node.right) if _is_column(node.left) else (node.right, node.left)
    if (
        node.type not in ("eq", "ne")
        or not _is_column(column)
        or type(literal).__name__ != "StringExpression"
    ):
        raise RuleLanguageError(f"{_said(node)}: a text is compared by == or != with a text in quotes")
    return _one_of(column.name, [literal.value], negated=node.type == "ne")


def _membership(node: Any) -> Condition:
    if not _is_column(node.member):
        raise RuleLanguageError(f"{_said(node)}: in takes a column of text on its left")
    column, container = node.member.name, node.container
    if _is_symbol(container) and container.name in LIST_NAMES:
        listed = container.name

        def looked_up(seen: Seen, lists: Lists) -> Truth:
            values = seen.text(column)
            held, known = lists.holds(listed, values, seen.event_times()), ~_unknown(values)
            return Truth(held, ~held & known)

        return looked_up
    members = list(getattr(container, "value", ()))
    if not members or any(type(member).__name__ != "StringExpression" for member in members):
        raise RuleLanguageError(f"{_said(node)}: in takes a list by name, or texts in brackets, on its right")
    return _one_of(column, [member.value for member in members], negated=False)


def _one_of(column: str, values: list[str], *, negated: bool) -> Condition:
    wanted = pa.array(sorted(values), pa.string())

    def compared(seen: Seen, _: Lists) -> Truth:
        texts = seen.text(column)
        found = pc.is_in(texts, value_set=wanted).to_numpy(zero_copy_only=False)
        other = ~found & ~_unknown(texts)
        return Truth(other, found) if negated else Truth(found, other)

    return compared


def _unknown(texts: pa.Array) -> Bools:
    if not texts.null_count:
        return np.zeros(len(texts), dtype=np.bool_)
    unknown: Bools = texts.is_null().to_numpy(zero_copy_only=False)
    return unknown


def _number(node: Any) -> Number:
    name = type(node).__name__
    if name == "FloatExpression":
        value = np.float64(node.value)
        return lambda seen: np.full(seen.count, value)
    if _is_symbol(node) and node.name not in (*TEXTS, *LIST_NAMES):
        return lambda seen: seen.number(node.name)
    if name == "UnaryExpression" and node.type == "uminus":
        inner = _number(node.right)
        return lambda seen: -inner(seen)
    if name in ("AddExpression", "SubtractExpression", "ArithmeticExpression") and node.type in _ARITHMETIC:
        left, right, compute = _number(node.left), _number(node.right), _ARITHMETIC[node.type]
        return lambda seen: _computed(compute, left(seen), right(seen))
    raise RuleLanguageError(f"{_said(node)} is not a number; use features, amount_minor, figures and + - * /")


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "tdiv": operator.truediv,
}


def _computed(compute: Callable[[Any, Any], Any], left: Floats, right: Floats) -> Floats:
    """The result, NaN (unknown) where it is no number, as in a division by zero."""
    with np.errstate(all="ignore"):
        result = np.asarray(compute(left, right), dtype=np.float64)
    return np.where(np.isfinite(result), result, np.nan)


def _is_symbol(node: Any) -> bool:
    """Whether it is a name of ours; the library's built-in ones have a scope."""
    return type(node).__name__ == "SymbolExpression" and node.scope is None


def _is_column(node: Any) -> bool:
    return _is_symbol(node) and node.name in TEXTS


def _is_text(node: Any) -> bool:
    return _is_column(node) or type(node).__name__ == "StringExpression"


def _said(node: Any) -> str:
    name = getattr(node, "name", None) or getattr(node, "value", None)
    return repr(str(name)) if name is not None else type(node).__name__.removesuffix("Expression").lower()
