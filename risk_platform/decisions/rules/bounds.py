"""What a condition asks of single numbers and of lists at least, read off its parsed form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from risk_platform.decisions.rules.columns import TEXTS
from risk_platform.decisions.rules.lists import LIST_NAMES

_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


@dataclass(frozen=True)
class Bound:
    """What a condition asks of one feature or number of the payment at least.

    Its value stands in that order (lt, le, …) to `limit`.
    """

    name: str
    order: str
    limit: float


def bounds_of(node: Any) -> Iterator[Bound]:
    """The comparisons of a feature or number of the payment with a figure that the condition is joined of by and."""
    name = type(node).__name__
    if name == "LogicExpression" and node.type == "and":
        yield from bounds_of(node.left)
        yield from bounds_of(node.right)
    elif name in ("ComparisonExpression", "ArithmeticComparisonExpression") and node.type in _MIRRORED:
        for one, other, order in (
            (node.left, node.right, node.type),
            (node.right, node.left, _MIRRORED[node.type]),
        ):
            if _is_number(one) and type(other).__name__ == "FloatExpression":
                yield Bound(one.name, order, float(other.value))


def is_symbol(node: Any) -> bool:
    """Whether it is a name of ours; the library's built-in ones have a scope."""
    return type(node).__name__ == "SymbolExpression" and node.scope is None


def _is_number(node: Any) -> bool:
    return is_symbol(node) and node.name not in (*TEXTS, *LIST_NAMES)


def list_groups(node: Any) -> tuple[frozenset[str], ...]:
    """Groups of lists: where all lists of one group are empty, the condition is true nowhere."""
    name = type(node).__name__
    if name == "LogicExpression":
        left, right = list_groups(node.left), list_groups(node.right)
        return left + right if node.type == "and" else tuple(one | other for one in left for other in right)
    if name == "ContainsExpression" and is_symbol(node.container) and node.container.name in LIST_NAMES:
        return (frozenset({node.container.name}),)
    return ()
