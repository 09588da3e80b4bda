"""The decision engine: features in, decisions with their reasons out; no clock, no I/O, no randomness."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary, ReasonGroups
from risk_platform.decisions.records import Decided, DecidedBy, decision_rows
from risk_platform.decisions.scorecard import scores
from risk_platform.errors import ContractError
from risk_platform.models.bundle import Bundle

Floats = npt.NDArray[np.float64]
ATTRIBUTION_TOLERANCE = 1e-6
REASON_LIMIT = 5


@dataclass(frozen=True)
class Scored:
    """What the model says of each payment: raw margin, calibrated probability and score, all of length n."""

    margins: Floats
    probabilities: Floats
    scores: Floats


class DecisionEngine:
    """Decides payments with one bundle, one set of thresholds and one reason dictionary."""

    def __init__(self, bundle: Bundle, thresholds: Thresholds, reasons: ReasonDictionary) -> None:
        self._bundle = bundle
        self._thresholds = thresholds
        self._groups = ReasonGroups(reasons, bundle.features)

    def decide(
        self,
        payments: pa.Table | pa.RecordBatch,
        *,
        decided_time: datetime,
        decided_by: DecidedBy,
        features_version: int,
    ) -> pa.Table:
        """Decisions of `payments`, one row each in their order, in the registry's `decisions` schema.

        `payments` has source, transaction_id, event_time, event_date and every feature of the bundle as
        double; a null feature is unknown. Only alerts carry attributions and reasons: they cost a hundred
        times a score. Raises ContractError when a payment gets no score or its attributions do not add up
        to its margin.
        """
        matrix = feature_matrix(payments, self._bundle.features)
        scored = self.score(matrix)
        alerted = self._thresholds.alerted(scored.scores)
        attributions = self.explain(matrix[alerted], scored.margins[alerted])
        decided = Decided(
            margins=scored.margins,
            probabilities=scored.probabilities,
            scores=scored.scores,
            alerted=alerted,
            feature_values=matrix,
            attributions=attributions,
            reason_codes=self._groups.strongest(attributions[:, :-1], REASON_LIMIT),
            bundle_hash=self._bundle.hash,
            features_version=features_version,
            decided_time=decided_time,
            decided_by=decided_by,
        )
        return decision_rows(payments, decided, self._thresholds)

    def score(self, matrix: Floats) -> Scored:
        """Margin, probability and score of each row of a (payments × features) matrix, NaN where unknown."""
        margins = self._bundle.margins(matrix)
        if not np.isfinite(margins).all():
            raise ContractError("The model gave a margin that is no number; a payment must have a score.")
        probabilities = self._bundle.probabilities(margins)
        points = scores(self._bundle.log_odds(margins), self._bundle.anchor_log_odds, self._thresholds.alert)
        return Scored(margins, probabilities, points)

    def explain(self, matrix: Floats, margins: Floats) -> Floats:
        """Attributions (payments × (features + 1)), the base last, that add up to the margins within 1e-6."""
        if not len(matrix):
            return np.empty((0, matrix.shape[1] + 1))
        attributions = self._bundle.attributions(matrix)
        gap = float(np.abs(attributions.sum(axis=1) - margins).max())
        if not gap <= ATTRIBUTION_TOLERANCE:
            raise ContractError(
                f"Attributions miss their margin by {gap:.3g}, more than {ATTRIBUTION_TOLERANCE:g}; "
                "an explanation that does not add up is not given."
            )
        return attributions


def feature_matrix(payments: pa.Table | pa.RecordBatch, features: tuple[str, ...]) -> Floats:
    """The features of `payments` as a (payments × features) matrix in that order, NaN for null.

    Raises ContractError naming the features that `payments` lacks.
    """
    missing = [name for name in features if name not in payments.schema.names]
    if missing:
        raise ContractError(f"The payments lack the model's features {', '.join(missing)}; build them first.")
    matrix = np.empty((payments.num_rows, len(features)), dtype=np.float64)
    for at, name in enumerate(features):
        column = payments.column(name)
        matrix[:, at] = column.to_numpy(zero_copy_only=False)
    return matrix
