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

from risk_platform.decisions.rules.bounds import Bound, bounds_of, is_symbol, list_groups
from risk_platform.decisions.rules.columns import NUMBERS, PAYMENT_COLUMNS, TEXTS, Bools, Floats, Seen
from risk_platform.decisions.rules.lists import LIST_NAMES, Lists
from risk_platform.transactions.marked_yaml import suggestion


class RuleLanguageError(ValueError):
    """A condition that is not one; the message says what is wrong with it."""


Condition = Callable[[Seen, Lists], Bools]
"""Where a condition is certainly true (or, compiled for the other side, certainly false)."""
Number = Callable[[Seen], Floats | np.float64]


@dataclass(frozen=True)
class Compiled:
    """Where a condition is certainly true, and the features, columns of the payment and lists it looks at.

    It is true nowhere where one of the `bounds` is not, nor while all lists of one of the `list_groups` are empty.
    """

    condition: Condition
    bounds: tuple[Bound, ...]
    list_groups: tuple[frozenset[str], ...]
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
    condition = _condition(expression, True)
    used = frozenset(symbols)
    return Compiled(
        condition,
        tuple(bounds_of(expression)),
        list_groups(expression),
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


def _condition(node: Any, side: bool) -> Condition:
    """Where `node` is certainly true, for the side False certainly false; not changes sides."""
    name = type(node).__name__
    if name == "LogicExpression":
        return _logic((node.type == "and") == side, _condition(node.left, side), _condition(node.right, side))
    if name == "UnaryExpression" and node.type == "not":
        return _condition(node.right, not side)
    if name in ("ComparisonExpression", "ArithmeticComparisonExpression"):
        return _comparison(node, side)
    if name == "ContainsExpression":
        return _membership(node, side)
    raise RuleLanguageError(f"{_said(node)} is not a condition; write comparisons joined by and, or, not")


def _logic(every: bool, left: Condition, right: Condition) -> Condition:
    def both(seen: Seen, lists: Lists) -> Bools:
        one = left(seen, lists)
        return one & right(seen, lists) if one.any() else one

    def either(seen: Seen, lists: Lists) -> Bools:
        return left(seen, lists) | right(seen, lists)

    return both if every else either


_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}
_OPPOSITE = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}


def _comparison(node: Any, side: bool) -> Condition:
    sides = (type(node.left).__name__, type(node.right).__name__)
    order = node.type if side else _OPPOSITE[node.type]
    if "NullExpression" in sides:
        return _known(node.left if sides[1] == "NullExpression" else node.right, order)
    if _is_text(node.left) or _is_text(node.right):
        return _text_comparison(node, order)
    left, right, compare = _number(node.left), _number(node.right), _ORDERS[order]

    def compared(seen: Seen, _: Lists) -> Bools:
        one, other = left(seen), right(seen)
        found: Bools = np.asarray(compare(one, other))
        # Comparisons with NaN are false, but for "not equal".
        return found & ~(np.isnan(one) | np.isnan(other)) if order == "ne" else found

    return compared


def _known(node: Any, order: str) -> Condition:
    """Whether a value is unknown (== null) or known (!= null): the one comparison that is never unknown."""
    if not is_symbol(node) or node.name in LIST_NAMES or order not in ("eq", "ne"):
        raise RuleLanguageError("null can be compared with one feature or column only, by == or !=")
    name = node.name

    def compared(seen: Seen, _: Lists) -> Bools:
        unknown = seen.unknown(name) if name in TEXTS else np.isnan(seen.number(name))
        return unknown if order == "eq" else ~unknown

    return compared


def _text_comparison(node: Any, order: str) -> Condition:
    column, literal = (node.left, node.right) if _is_column(node.left) else (node.right, node.left)
    if order not in ("eq", "ne") or not _is_column(column) or type(literal).__name__ != "StringExpression":
        raise RuleLanguageError(f"{_said(node)}: a text is compared by == or != with a text in quotes")
    return _one_of(column.name, [literal.value], order == "eq")


def _membership(node: Any, side: bool) -> Condition:
    if not _is_column(node.member):
        raise RuleLanguageError(f"{_said(node)}: in takes a column of text on its left")
    column, container = node.member.name, node.container
    if is_symbol(container) and container.name in LIST_NAMES:
        listed = container.name

        def looked_up(seen: Seen, lists: Lists) -> Bools:
            if side and not lists.entries[listed]:
                return np.zeros(seen.count, dtype=np.bool_)
            held = lists.holds(listed, seen.text(column), seen.event_times)
            return held if side else ~held & ~seen.unknown(column)

        return looked_up
    members = list(getattr(container, "value", ()))
    if not members or any(type(member).__name__ != "StringExpression" for member in members):
        raise RuleLanguageError(f"{_said(node)}: in takes a list by name, or texts in brackets, on its right")
    return _one_of(column, [member.value for member in members], side)


def _one_of(column: str, values: list[str], side: bool) -> Condition:
    wanted = tuple(sorted(values))

    def compared(seen: Seen, _: Lists) -> Bools:
        found = seen.one_of(column, wanted)
        return found if side else ~found & ~seen.unknown(column)

    return compared


def _number(node: Any) -> Number:
    name = type(node).__name__
    if name == "FloatExpression":
        value = np.float64(node.value)
        return lambda _: value
    if is_symbol(node) and node.name not in (*TEXTS, *LIST_NAMES):
        symbol = node.name
        return lambda seen: seen.number(symbol)
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


def _computed(
    compute: Callable[[Any, Any], Any], left: Floats | np.float64, right: Floats | np.float64
) -> Floats:
    """The result, NaN (unknown) where it is no number, as in a division by zero."""
    with np.errstate(all="ignore"):
        result = np.asarray(compute(left, right), dtype=np.float64)
    return np.where(np.isfinite(result), result, np.nan)


def _is_column(node: Any) -> bool:
    return is_symbol(node) and node.name in TEXTS


def _is_text(node: Any) -> bool:
    return _is_column(node) or type(node).__name__ == "StringExpression"


def _said(node: Any) -> str:
    name = getattr(node, "name", None) or getattr(node, "value", None)
    return repr(str(name)) if name is not None else type(node).__name__.removesuffix("Expression").lower()
