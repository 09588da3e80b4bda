"""Numbers as analysts read them: money with Indian digit grouping, ages, shares and counts."""

import math
from calendar import day_name
from collections.abc import Callable, Mapping

from risk_platform.transactions.currencies import minor_digits

_SYMBOLS: Mapping[str, str] = {"INR": "₹", "EUR": "€", "USD": "$", "GBP": "£"}
_AGES: tuple[tuple[float, str], ...] = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def group_indian(whole: int) -> str:
    """A whole number with lakh and crore grouping: 12345678 is 1,23,45,678."""
    digits = str(abs(whole))
    head, tail = digits[:-3], digits[-3:]
    pairs = [head[max(end - 2, 0) : end] for end in range(len(head), 0, -2)][::-1]
    return ("-" if whole < 0 else "") + ",".join([*pairs, tail])


def group(whole: int, currency: str) -> str:
    """A whole number in the grouping people of that currency use: Indian for INR, thousands elsewhere."""
    return group_indian(whole) if currency == "INR" else f"{whole:,}"


def money(minor: float, currency: str) -> str:
    """An amount of minor units in major units with its symbol, such as ₹1,23,456.50."""
    digits = minor_digits()[currency]
    sign, scaled = ("-" if minor < 0 else ""), round(abs(minor))
    whole, fraction = divmod(scaled, 10**digits)
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{group(whole, currency)}" + (f".{fraction:0{digits}d}" if digits else "")


def age(seconds: float) -> str:
    """A length of time in its largest unit of which there are at least two: 3 days, 36 hours, 90 minutes."""
    for length, unit in _AGES:
        if seconds >= 2 * length:
            return plural(round(seconds / length), unit)
    return plural(round(seconds), "second")


def plural(number: int, noun: str) -> str:
    """`number` with its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def number(value: float) -> str:
    """A plain number with as many digits as say something: 12, 6.2, 0.034."""
    if value == 0 or (abs(value) >= 10 and math.isfinite(value)):
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.1f}"


def share(value: float) -> str:
    """A fraction as a percentage: 0.034 is 3.4 %."""
    percent = value * 100
    if 99.5 <= percent < 100:
        return "over 99 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


FIGURES: Mapping[str, Callable[[float, str], str]] = {
    "money": money,
    "days": lambda value, _: age(value * 86_400),
    "number": lambda value, _: number(value),
    "magnitude": lambda value, _: number(abs(value)),
    "count": lambda value, currency: group(round(value), currency),
    "payments": lambda value, _: plural(round(value), "payment"),
    "share": lambda value, _: share(value),
    "rarity": lambda value, _: share(math.exp(-value)),
    "weekday": lambda value, _: day_name[round(value) - 1],
}
