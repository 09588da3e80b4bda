"""Currencies and the digits of their minor units, from the ISO 4217 list kept as data."""

from functools import cache
from pathlib import Path

from risk_platform.transactions.marked_yaml import read_yaml

_LIST = Path(__file__).parent / "currencies.yaml"


@cache
def minor_digits() -> dict[str, int]:
    """Currency code → digits of its minor unit: 2 for INR, 0 for JPY, 3 for KWD."""
    groups = read_yaml(_LIST).data
    return {code: int(digits) for digits, codes in groups.items() for code in codes}
