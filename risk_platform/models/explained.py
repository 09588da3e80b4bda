"""A sample of the test window with its attributions: the global view of what a model looks at."""

from dataclasses import dataclass

import numpy as np

from risk_platform.lake.lake import Lake
from risk_platform.models.payments import Floats, Matrix
from risk_platform.models.training import TrainedModel, open_mart

_SAMPLED = 1_000


@dataclass(frozen=True)
class Explained:
    """Values (payments, features) and attributions (payments, features + 1) of sampled test payments."""

    values: Matrix
    parts: Floats

    def strengths(self) -> Floats:
        """Mean absolute attribution of each feature in log odds."""
        return np.asarray(np.abs(self.parts[:, :-1]).mean(axis=0), dtype=np.float64)


def explain_test(lake: Lake, trained: TrainedModel) -> Explained:
    """Up to a thousand payments of the test window, drawn alike, with their attributions."""
    mart = open_mart(lake, trained.as_of)
    rows = trained.protocol.test_rows(mart.payments, trained.result.fold)
    rng = np.random.default_rng(trained.result.fold.test_from)
    sampled = np.sort(rng.choice(rows, min(_SAMPLED, len(rows)), replace=False))
    values = mart.values(sampled, trained.bundle.features, np.float64)
    return Explained(values, trained.bundle.attributions(values))
