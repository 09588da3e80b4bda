"""The decision engine: features in, decisions with their reasons out; no clock, no I/O, no randomness."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary, ReasonGroups
from risk_platform.decisions.records import Decided, DecidedBy, Hashes, decision_rows
from risk_platform.decisions.rules.book import RuleBook, Verdict
from risk_platform.decisions.rules.columns import Features, Seen
from risk_platform.decisions.scorecard import scores
from risk_platform.models.bundle import Bundle
from risk_platform.models.calibration import sigmoid

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
ATTRIBUTION_TOLERANCE = 1e-6
REASON_LIMIT = 5
DEGRADED_CODE = "R-DEGRADED"

KILL_SWITCH = "kill switch"
NO_BUNDLE = "no bundle"
NO_FEATURES = "no features"
MISSING_FEATURES = "features are missing: "
NO_MARGIN = "the model's margin is no finite number"
NO_SUM = "the attributions miss the margin"


@dataclass(frozen=True)
class Scored:
    """What the model says of n payments: raw margin, calibrated probability and score, NaN where degraded.

    `why_not` is the reason for each degraded row, None where the model judged; None instead of a list when it
    judged all.
    """

    margins: Floats
    probabilities: Floats
    scores: Floats
    why_not: list[str | None] | None = None

    @property
    def judged(self) -> Bools:
        """The rows that the model judged."""
        return ~np.isnan(self.scores)

    def without(self, rows: Bools, reason: str) -> "Scored":
        """The same with `rows` degraded for `reason`."""
        reasons = self.why_not or [None] * len(rows)
        return Scored(
            np.where(rows, np.nan, self.margins),
            np.where(rows, np.nan, self.probabilities),
            np.where(rows, np.nan, self.scores),
            [reason if out else known for out, known in zip(rows.tolist(), reasons, strict=True)],
        )


class DecisionEngine:
    """Decides payments with one bundle, one set of thresholds, one rule book and one reason dictionary.

    Without a bundle, with the kill switch thrown, or where the model gives no number, a payment is decided by
    rules alone: its `degraded_reason` says why, its level is at least the rule set's degraded level (so never
    LOW), and it is never silent. `no_bundle_reason` says why there is no bundle, such as that it is corrupt.
    """

    def __init__(
        self,
        bundle: Bundle | None,
        thresholds: Thresholds,
        reasons: ReasonDictionary,
        rules: RuleBook,
        *,
        kill_switch: bool = False,
        no_bundle_reason: str = NO_BUNDLE,
    ) -> None:
        self._bundle = bundle
        self._thresholds = thresholds
        self._rules = rules
        self._features = bundle.features if bundle else ()
        self._beside = tuple(name for name in rules.rules.features if name not in self._features)
        self._no_attributions = np.empty((0, len(self._features) + 1))
        self._groups = ReasonGroups(reasons, self._features)
        self._every = self._features + self._beside
        self._off = KILL_SWITCH if kill_switch else None if bundle else no_bundle_reason
        self._hashes = Hashes(bundle.hash if bundle else None, rules.hash, thresholds.hash)

    @property
    def hashes(self) -> Hashes:
        """What the decisions name: hashes of bundle, rule book and thresholds."""
        return self._hashes

    @property
    def features(self) -> tuple[str, ...]:
        """Every feature looked at: the bundle's in its order, then those of rules alone."""
        return self._every

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the payment that rules look at."""
        return self._rules.rules.columns

    def prepare(self) -> None:
        """Make ready what the first payment would wait for; raises BundleError when the model cannot serve."""
        if self._bundle is not None:
            self._bundle.prepare()
            self.score(np.full((1, len(self._features)), np.nan))

    def decide(
        self,
        payments: pa.Table | pa.RecordBatch,
        features: Features | None,
        *,
        decided_time: datetime,
        decided_by: DecidedBy,
        features_version: int,
    ) -> pa.RecordBatch:
        """Decisions of `payments`, one row each in their order, in the registry's `decisions` schema.

        `payments` has source, transaction_id, event_time, event_date and `columns`, and sequence where it came
        in live; `features` has at least `self.features`, or is None when they could not be computed. Whatever
        is not LOW carries reason codes, and attributions where the model judged; so does a LOW one, but without
        attributions, whose advice a rule changed. Raises ContractError when a
        column is missing.
        """
        given = features or Features((), np.empty((payments.num_rows, 0)))
        seen, matrix = Seen(payments, given), given.filled(self._features)
        verdict = self._rules.judge(seen)
        scored, explained, attributions = self._explained(matrix, self._missing(features), verdict)
        final = self._final_scores(scored, verdict)
        decided = Decided(
            margins=scored.margins,
            probabilities=scored.probabilities,
            scores=final,
            ranks=self._thresholds.ranks(final),
            advice=verdict.advice,
            alerted=self._thresholds.alerted(final),
            why_not=scored.why_not,
            feature_values=matrix,
            rule_values=given.filled(self._beside),
            explained=explained,
            attributions=attributions,
            reason_codes=self._codes(verdict, self._thresholds.raised(final), explained, attributions),
            hits=verdict.hits_by_row(len(final)),
            hashes=self._hashes,
            features_version=features_version,
            decided_time=decided_time,
            decided_by=decided_by,
        )
        return decision_rows(seen, decided, self._thresholds)

    def _explained(
        self, matrix: Floats, why_not: str | None, verdict: Verdict
    ) -> tuple[Scored, Bools, Floats]:
        """The model's scores, which rows are explained, and their attributions.

        A row whose attributions miss its margin is degraded: the model contradicts itself.
        """
        scored = self.score(matrix, why_not)
        raised = self._thresholds.raised(self._final_scores(scored, verdict))
        explained = raised if scored.why_not is None else raised & scored.judged
        if not np.count_nonzero(explained):
            return scored, explained, self._no_attributions
        attributions, off = self.explain(matrix[explained], scored.margins[explained])
        if not np.count_nonzero(off):
            return scored, explained, attributions
        rows = np.zeros(len(matrix), dtype=np.bool_)
        rows[np.flatnonzero(explained)[off]] = True
        return scored.without(rows, NO_SUM), explained & ~rows, attributions[~off]

    def score(self, matrix: Floats, why_not: str | None = None) -> Scored:
        """Margin, probability and score of each row of a (payments × features) matrix, NaN where unknown.

        With `why_not` no row is judged.
        """
        if why_not is not None or self._bundle is None:
            nothing = np.full(len(matrix), np.nan)
            return Scored(nothing, nothing, nothing, [why_not or NO_BUNDLE] * len(matrix))
        margins = self._bundle.margins(matrix)
        finite = np.isfinite(margins)
        every = np.count_nonzero(finite) == len(finite)
        odds = self._bundle.log_odds(margins if every else np.where(finite, margins, 0.0))
        points = scores(odds, self._bundle.anchor_log_odds, self._thresholds.alert)
        scored = Scored(margins, sigmoid(odds), points)
        return scored if every else scored.without(~finite, NO_MARGIN)

    def explain(self, matrix: Floats, margins: Floats) -> tuple[Floats, Bools]:
        """Attributions (payments × (features + 1)), the base last, and the rows that miss their margin by 1e-6."""
        if self._bundle is None:
            return np.empty((0, matrix.shape[1] + 1)), np.zeros(0, dtype=np.bool_)
        attributions = self._bundle.attributions(matrix)
        gap = np.abs(attributions.sum(axis=1) - margins)
        return attributions, ~(gap <= ATTRIBUTION_TOLERANCE)

    def _missing(self, features: Features | None) -> str | None:
        """Why the model cannot be asked about any of the payments; None when it can."""
        if self._off is not None:
            return self._off
        if features is None:
            return NO_FEATURES
        missing = features.missing(self._every)
        return MISSING_FEATURES + ", ".join(missing) if missing else None

    def _final_scores(self, scored: Scored, verdict: Verdict) -> Floats:
        """The model's score or, without one, the degraded level's, and at least what the rules ask for."""
        if scored.why_not is None:
            return np.maximum(scored.scores, verdict.floors)
        least = self._thresholds.upper_bound(self._rules.rules.degraded_level)
        return np.maximum(np.where(scored.judged, scored.scores, least), verdict.floors)

    def _codes(
        self, verdict: Verdict, raised: Bools, explained: Bools, attributions: Floats
    ) -> list[list[str] | None]:
        """Reason codes of every row, None for none: those of rules, then the model's or that there was none."""
        codes: list[list[str] | None] = [None] * len(raised)
        for row, ruled in zip(verdict.rows.tolist(), verdict.codes, strict=True):
            codes[row] = ruled or None
        model = self._groups.strongest(attributions[:, :-1], REASON_LIMIT) if len(attributions) else []
        for row, told in zip(explained.nonzero()[0].tolist(), model, strict=True):
            codes[row] = (codes[row] or []) + told
        for row in (raised & ~explained).nonzero()[0].tolist():
            codes[row] = (codes[row] or []) + [DEGRADED_CODE]
        return codes
