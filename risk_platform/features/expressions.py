"""Derived expressions of a payment: a closed list of operators on columns and aggregates."""

from typing import Annotated, Literal

from pydantic import Field

from risk_platform.features.declaration import Entry

# Columns of the payment itself that expressions may read.
BASE_COLUMNS = (
    "amount",
    "hour",
    "weekday",
    "channel",
    "kind",
    "status",
    "counterparty_type",
    "latitude",
    "longitude",
)


class _Expression(Entry):
    title: str
    internal: bool = False


class Value(_Expression):
    """The column `of` as it is."""

    op: Literal["value"]
    of: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


class Equals(_Expression):
    """1 when the column `of` is `value`, else 0; null when it is null."""

    op: Literal["equals"]
    of: str
    value: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


class Above(_Expression):
    """1 when `of` is above `threshold`, a number or a name, else 0; null when either is null."""

    op: Literal["above"]
    of: str
    threshold: float | str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, self.threshold) if isinstance(self.threshold, str) else (self.of,)


class Ratio(_Expression):
    """of / to; null when `to` is null or 0."""

    op: Literal["ratio"]
    of: str
    to: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, self.to)


class ZScore(_Expression):
    """(of − mean) / std; null when one is null or std is 0."""

    op: Literal["zscore"]
    of: str
    mean: str
    std: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, self.mean, self.std)


class Log(_Expression):
    """ln(1 + of)."""

    op: Literal["log"]
    of: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


class Novelty(_Expression):
    """1 when the count `of` is 0, else 0; null when it is null."""

    op: Literal["novelty"]
    of: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


class Surprise(_Expression):
    """−ln of the smoothed share: (mean of the counts `of` + 1) / (among + parts)."""

    op: Literal["surprise"]
    of: tuple[str, ...]
    among: str
    parts: int

    @property
    def inputs(self) -> tuple[str, ...]:
        return (*self.of, self.among)


class Distance(_Expression):
    """Kilometres on the sphere between (latitude, longitude) and another pair: the four names of `of`."""

    op: Literal["distance"]
    of: tuple[str, str, str, str]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.of


class Speed(_Expression):
    """Kilometres per hour: the distance `of` over the age `per` in days, counted as at least one minute."""

    op: Literal["speed"]
    of: str
    per: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of, self.per)


class Roundness(_Expression):
    """Trailing zeros of the amount `of` in whole units of the currency; what is below a unit is ignored."""

    op: Literal["roundness"]
    of: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.of,)


Expression = Annotated[
    Value | Equals | Above | Ratio | ZScore | Log | Novelty | Surprise | Distance | Speed | Roundness,
    Field(discriminator="op"),
]
