"""The file of the reason dictionary: its words and its reason codes, checked when it is read."""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

Figure = Literal["money", "days", "number", "magnitude", "count", "payments", "share", "rarity", "weekday"]
Word = str | dict[str, str]


class Rule(BaseModel):
    """One reason code: the features it speaks for, and its sentence on either side of an ordinary value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    title: str
    features: tuple[str, ...]
    figure: Figure = "number"
    neutral: float = 0
    above: str
    below: str | None = None
    missing: str | None = None

    def sentence(self, value: float) -> str:
        """The template for `value`: missing when it is no number, else above or below the neutral one."""
        if math.isnan(value):
            return self.missing or "{title} is not known for this payment."
        return self.below if self.below is not None and value <= self.neutral else self.above


class RuleReason(BaseModel):
    """A reason that no feature speaks for: its code, title and one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    title: str
    sentence: str


class ReasonDocument(BaseModel):
    """The file `reasons.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: dict[str, dict[str, Word]]
    reasons: tuple[Rule, ...]
    rules: tuple[RuleReason, ...] = ()
