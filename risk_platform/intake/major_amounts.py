"""Live payments whose amount is written in major units: the same payments in minor units, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass

from risk_platform.intake.events import Event
from risk_platform.intake.refusals import Refusals
from risk_platform.transactions.amounts import minor_units
from risk_platform.transactions.canonical import PAYMENTS
from risk_platform.transactions.currencies import minor_digits

AMOUNT = "amount"
WRONG_TYPE = "amount_wrong_type"
GIVEN_TWICE = "amount_given_twice"
CURRENCY_KNOWN = "currency_known"
_DEFAULT_CURRENCY = PAYMENTS.field("currency").default


@dataclass(frozen=True)
class MinorPayments:
    """Payments with `amount_minor`; event i is the one at `positions[i]` of those given, the others are refused."""

    events: Sequence[Event]
    positions: Sequence[int]
    refusals: Refusals


def in_minor_units(events: Sequence[Event]) -> MinorPayments:
    """The payments with every `amount`, a decimal text in major units, turned into `amount_minor`.

    An amount is refused when it is no text, no number, has more places than its currency, or stands beside an
    `amount_minor`.
    """
    refusals = Refusals(len(events))
    turned = [_in_minor(at, event, refusals) if AMOUNT in event else event for at, event in enumerate(events)]
    positions = [at for at in range(len(events)) if not refusals.refused[at]]
    return MinorPayments([turned[at] for at in positions], positions, refusals)


def _in_minor(at: int, event: Event, refusals: Refusals) -> Event:
    rest = {name: value for name, value in event.items() if name != AMOUNT}
    if event[AMOUNT] is None:
        return rest
    read = _read(event)
    if isinstance(read, int):
        return rest | {"amount_minor": read}
    rule, column = read
    refusals.add([at], rule, column, lambda _: event.get(column))
    return rest


def _read(event: Event) -> int | tuple[str, str]:
    """The amount in minor units, or the rule it breaks and the column that breaks it."""
    written, currency = event[AMOUNT], event.get("currency", _DEFAULT_CURRENCY)
    if event.get("amount_minor") is not None:
        return GIVEN_TWICE, AMOUNT
    if not isinstance(written, str):
        return WRONG_TYPE, AMOUNT
    digits = minor_digits().get(currency) if isinstance(currency, str) else None
    if digits is None:
        return CURRENCY_KNOWN, "currency"
    value = minor_units(written, digits)
    return value if isinstance(value, int) else (value, AMOUNT)
