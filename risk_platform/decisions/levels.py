"""Levels of risk, the thresholds between them, and the advice that goes with each."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Self

import numpy as np
import numpy.typing as npt
import yaml

from risk_platform.errors import ContractError
from risk_platform.settings import Settings


class Level(StrEnum):
    """How risky a payment is, in ascending order."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Advice(StrEnum):
    """What the payment system is advised to do: let pass, ask for a second factor, wait, refuse."""

    ALLOW = "allow"
    STEP_UP = "step_up"
    HOLD = "hold"
    BLOCK = "block"


LEVELS: tuple[Level, ...] = tuple(Level)


def shipped_advice() -> tuple[Advice, ...]:
    """Advice per level as `advice.yaml` states it, in the order of `LEVELS`."""
    text = resources.files("risk_platform.decisions").joinpath("advice.yaml").read_text("utf-8")
    stated: dict[str, str] = yaml.safe_load(text)
    return tuple(Advice(stated[level]) for level in LEVELS)


@dataclass(frozen=True)
class Thresholds:
    """Upper bounds of the levels (inclusive), the alert threshold, and the advice per level."""

    low: float
    medium: float
    high: float
    alert: float
    advice: tuple[Advice, ...]

    def __post_init__(self) -> None:
        if not 0 < self.low < self.medium < self.high < 1 or not 0 < self.alert < 1:
            raise ContractError(
                f"Thresholds must ascend between 0 and 1, but are low {self.low}, medium {self.medium}, "
                f"high {self.high}, alert {self.alert}."
            )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Thresholds of the RISK_*_THRESHOLD settings with the shipped advice."""
        return cls(
            low=settings.low_threshold,
            medium=settings.medium_threshold,
            high=settings.high_threshold,
            alert=settings.alert_threshold,
            advice=shipped_advice(),
        )

    @classmethod
    def parse(cls, document: bytes) -> Self:
        """The thresholds kept as `document`; raises ContractError when it is none."""
        try:
            stated = json.loads(document)
            stated["advice"] = tuple(Advice(advice) for advice in stated["advice"])
            return cls(**stated)
        except (ValueError, KeyError, TypeError) as error:
            raise ContractError(f"The kept thresholds cannot be read: {error}.") from error

    @property
    def document(self) -> bytes:
        """Every bound and advice as JSON, the form thresholds are kept in."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the document: decisions with the same hash were cut the same way."""
        return hashlib.sha256(self.document).hexdigest()

    @cached_property
    def advice_places(self) -> npt.NDArray[np.intp]:
        """The place in `Advice` of the advice of each level."""
        return np.array([tuple(Advice).index(advice) for advice in self.advice], dtype=np.intp)

    @cached_property
    def _bounds(self) -> npt.NDArray[np.float64]:
        return np.array([self.low, self.medium, self.high])

    def upper_bound(self, level: Level) -> float:
        """The highest score of `level`; 1 for CRITICAL."""
        return (self.low, self.medium, self.high, 1.0)[LEVELS.index(level)]

    def ranks(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Position in `LEVELS` of each score; a bound itself belongs to the lower level."""
        return self._bounds.searchsorted(scores, side="left")

    def raised(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether each score is above the level LOW."""
        return np.asarray(scores > self.low)

    def alerted(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether each score raises an alert."""
        return np.asarray(scores >= self.alert)
