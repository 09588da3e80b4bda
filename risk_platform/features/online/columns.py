"""Which columns the rows of payments must have: identifiers, measures, and the bits of flags and presences."""

from dataclasses import dataclass, field

from risk_platform.errors import ContractError
from risk_platform.features.online.measure import SHORT
from risk_platform.features.online.rows import (
    DAYPART_BIT,
    FIXED_INTS,
    FIXED_SHORT,
    FLAGS,
    GATED,
    PLAIN,
    SHIFTED_BIT,
    SMALL,
)

# Identifiers, and the id space each lives in.
TEXTS = {
    "customer_id": "account",
    "counterparty_id": "account",
    "device_id": "device",
    "instrument_id": "instrument",
    "mcc": "mcc",
    "city": "city",
}
READY = {"daypart": DAYPART_BIT, "daypart_shifted": SHIFTED_BIT}
# The counterparty where it is a person or an account.
PAYEE, PAYEE_COLUMN = "payee_account_id", "counterparty_id"
INTS = ("amount",)
FIRST_CODE = 2 * (FIXED_INTS + len(INTS))


@dataclass
class Columns:
    """Identifiers, other measures with how long (µs) each is needed, and flags, in the order of their columns."""

    codes: list[str] = field(default_factory=list)
    floats: dict[str, int] = field(default_factory=dict)
    bits: list[str] = field(default_factory=list)

    def code(self, name: str) -> int:
        """How to read the identifier `name` of a row."""
        if name in READY:
            return SMALL | READY[name]
        if name == PAYEE:
            return GATED | self._column(PAYEE_COLUMN)
        if name not in TEXTS:
            raise ContractError(f"The online engine knows no key column {name!r}; add it to its id spaces.")
        return PLAIN | self._column(name)

    def measure(self, name: str, reach: int) -> int:
        """How to read the measure `name` of a row, which must be there for `reach` µs."""
        if name in INTS:
            return FIXED_INTS + INTS.index(name)
        self.floats[name] = max(reach, self.floats.get(name, 0))
        return SHORT + FIXED_SHORT + list(self.floats).index(name)

    def bit(self, name: str) -> int:
        """The bit of a flag, or with `has ` before it of a measure that may be absent."""
        if name not in self.bits:
            self.bits.append(name)
        if len(self.bits) > FLAGS:
            raise ContractError(f"The features use more than {FLAGS} flags and optional measures; use fewer.")
        return 1 << self.bits.index(name)

    def _column(self, name: str) -> int:
        if name not in self.codes:
            self.codes.append(name)
        return FIRST_CODE + self.codes.index(name)
