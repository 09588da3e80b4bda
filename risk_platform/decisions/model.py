"""What the decision engine asks of a model bundle."""

from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Model(Protocol):
    """A calibrated model: raw margins, probabilities of them, and attributions that add up to the margin."""

    @property
    def hash(self) -> str:
        """SHA-256 of everything the model is made of."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of the feature matrix, in order."""

    @property
    def anchor_log_odds(self) -> float:
        """Calibrated log odds from which the alert budget is met."""

    @property
    def train_to(self) -> date:
        """Last day of the training span."""

    def margins(self, matrix: Floats) -> Floats:
        """Raw log odds of each row."""

    def probabilities(self, margins: Floats) -> Floats:
        """Calibrated probability of fraud of each margin."""

    def attributions(self, matrix: Floats) -> Floats:
        """TreeSHAP values (rows × (features + 1)), the base last."""
