"""Choice of features and hyperparameters on validation folds that end before anything is tested.

Most candidates are noise for any one source, and with few frauds every one of them costs precision. So they
are screened by gain, then pruned by what each is worth out of time, and the smallest set within one standard
error of the best stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from risk_platform.errors import InputError
from risk_platform.models.learner import Recipe, Sample, fit, margins, side_by_side, thin
from risk_platform.models.metrics import average_precision, roc_auc
from risk_platform.models.payments import Floats, Ints
from risk_platform.models.scored import Scored

Progress = Callable[[str], None]

_SCREEN = Recipe(learning_rate=0.1, rounds=50, max_bin=255)
_SCREEN_OTHERS = 20_000
_SCREENED = 64
_SEARCH = Recipe(learning_rate=0.1, rounds=50)
_KEPT_SHARE = 0.8
_FEWEST = 4
_PERMUTED_OTHERS = 8_000
_STANDARD_ERRORS = 1.0


@dataclass(frozen=True)
class ValidationFold:
    """One validation split with all candidate features: what is learned from, what is judged on."""

    train: Sample
    test: Sample


@dataclass(frozen=True)
class Ranking:
    """How well a model ranks a validation test: average precision looks at the top, ROC AUC at all the rest."""

    average_precision: float
    roc_auc: float

    @property
    def quality(self) -> float:
        """What features and recipes are chosen by: the sum of both."""
        return self.average_precision + self.roc_auc


@dataclass(frozen=True)
class Step:
    """A feature set that was tried, and how it ranked in each fold."""

    features: tuple[str, ...]
    by_fold: tuple[Ranking, ...]

    def mean(self, metric: Callable[[Ranking], float]) -> float:
        """Mean of `metric` over the folds."""
        return float(np.mean([metric(ranking) for ranking in self.by_fold]))

    def qualities(self) -> Floats:
        """Quality in each fold."""
        return np.asarray([ranking.quality for ranking in self.by_fold])

    def precisions(self) -> Floats:
        """Average precision in each fold."""
        return np.asarray([ranking.average_precision for ranking in self.by_fold])

    def describe(self) -> str:
        """Average precision and ROC AUC in words."""
        precision, auc = self.mean(lambda r: r.average_precision), self.mean(lambda r: r.roc_auc)
        return f"{len(self.features)} features: average precision {precision:.4f}, ROC AUC {auc:.4f} on validation"


@dataclass(frozen=True)
class Selection:
    """The chosen features in the order of the mart, and every set that was tried on the way."""

    features: tuple[str, ...]
    steps: tuple[Step, ...]


def select_features(
    folds: tuple[ValidationFold, ...], names: tuple[str, ...], progress: Progress
) -> Selection:
    """The features worth having among the candidates `names`, which are the columns of every fold."""
    columns = _varying(folds)
    if len(columns) == 0:
        raise InputError(
            "No feature has two different values in the validation windows; there is nothing to learn."
        )
    progress(f"screening {len(columns)} candidate features that vary, of {len(names)}")
    columns = _screen(folds, columns)
    steps: list[Step] = []
    rng = np.random.default_rng(20)
    while True:
        step, worth = _try(folds, names, columns, rng)
        steps.append(step)
        progress(step.describe())
        size = max(_FEWEST, int(_KEPT_SHARE * len(columns)))
        if size >= len(columns):
            return Selection(_smallest_as_good(steps).features, tuple(steps))
        columns = np.sort(columns[np.argsort(-worth, kind="stable")[:size]])


def tune(folds: tuple[ValidationFold, ...], names: tuple[str, ...], progress: Progress) -> Recipe:
    """The recipe for folds whose columns are `names`: the default, or one that beats it beyond noise."""
    default = Recipe()
    base = score_folds(folds, names, default).qualities()
    best, best_gain = default, 0.0
    for recipe in _grid(default):
        gain = score_folds(folds, names, recipe).qualities() - base
        if gain.mean() > max(best_gain, _STANDARD_ERRORS * _standard_error(gain)):
            best, best_gain = recipe, float(gain.mean())
    progress(f"recipe: {best}")
    return best


def score_folds(folds: tuple[ValidationFold, ...], names: tuple[str, ...], recipe: Recipe) -> Step:
    """How `recipe` ranks each fold with all the columns it has."""
    return Step(names, tuple(side_by_side(lambda f: _rank(fit(f.train, names, recipe), f.test), folds)))


def _grid(default: Recipe) -> tuple[Recipe, ...]:
    return (
        replace(default, num_leaves=7),
        replace(default, num_leaves=31),
        replace(default, rounds=200),
        replace(default, rounds=50),
        replace(default, max_bin=255),
        replace(default, bagging_fraction=1.0),
        replace(default, max_bin=16383),
        replace(default, min_sum_hessian_in_leaf=5.0, lambda_l2=20.0),
    )


def _varying(folds: tuple[ValidationFold, ...]) -> Ints:
    """Columns that have two different values, an absent one counting as a value, in some training window."""
    varying = np.zeros(folds[0].train.values.shape[1], dtype=np.bool_)
    for fold in folds:
        values = fold.train.values
        present = ~np.isnan(values)
        low = np.min(values, axis=0, where=present, initial=np.inf)
        high = np.max(values, axis=0, where=present, initial=-np.inf)
        varying |= (low < high) | (present.any(axis=0) & ~present.all(axis=0))
    return np.flatnonzero(varying)


def _screen(folds: tuple[ValidationFold, ...], columns: Ints) -> Ints:
    """The columns with the highest share of gain, on thinned windows and coarse bins."""
    if len(columns) <= _SCREENED:
        return columns

    def gain(fold: ValidationFold) -> Floats:
        rows, weight = thin(fold.train.fraud, _SCREEN_OTHERS, np.random.default_rng(20))
        sample = fold.train.rows(rows, weight * fold.train.weight[rows]).columns(columns)
        return _gain_share(fit(sample, [str(c) for c in columns], _SCREEN))

    shares = np.mean(side_by_side(gain, folds), axis=0)
    return np.sort(columns[np.argsort(-shares, kind="stable")[:_SCREENED]])


def _gain_share(booster: lgb.Booster) -> Floats:
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    share: Floats = gain / max(gain.sum(), 1e-300)
    return share


def _try(
    folds: tuple[ValidationFold, ...], names: tuple[str, ...], columns: Ints, rng: np.random.Generator
) -> tuple[Step, Floats]:
    """The step for `columns`, and what each of them is worth: quality lost when it is shuffled."""
    chosen = tuple(names[column] for column in columns)
    seeds = rng.integers(0, 2**31, len(folds))

    def work(item: tuple[ValidationFold, int]) -> tuple[Ranking, Floats]:
        fold, seed = item
        test = fold.test.columns(columns)
        booster = fit(fold.train.columns(columns), chosen, _SEARCH)
        return _rank(booster, test), _worth(booster, test, np.random.default_rng(seed))

    results = side_by_side(work, list(zip(folds, seeds.tolist(), strict=True)))
    worth = np.mean([worth for _, worth in results], axis=0)
    return Step(chosen, tuple(ranking for ranking, _ in results)), worth


def _worth(booster: lgb.Booster, test: Sample, rng: np.random.Generator) -> Floats:
    rows, weight = thin(test.fraud, _PERMUTED_OTHERS, rng)
    sample = test.rows(rows, weight * test.weight[rows])
    base = _rank(booster, sample).quality
    worth = np.zeros(sample.values.shape[1])
    for column in np.flatnonzero(booster.feature_importance("split")):
        kept = sample.values[:, column].copy()
        sample.values[:, column] = rng.permutation(kept)
        worth[column] = base - _rank(booster, sample).quality
        sample.values[:, column] = kept
    return worth


def _rank(booster: lgb.Booster, test: Sample) -> Ranking:
    zeros = np.zeros(len(test.fraud), dtype=np.int64)
    margin = margins(booster, test.values)
    order = np.argsort(-margin, kind="stable")
    scored, weight = Scored(margin[order], test.fraud[order], zeros, zeros, zeros), test.weight[order]
    return Ranking(average_precision(scored, weight), roc_auc(scored, weight))


def _smallest_as_good(steps: list[Step]) -> Step:
    """The smallest set that loses to the best, in quality and in average precision, no more than noise would."""
    best = max(steps, key=lambda step: step.mean(lambda ranking: ranking.quality))
    for step in sorted(steps, key=lambda step: len(step.features)):
        losses = (best.qualities() - step.qualities(), best.precisions() - step.precisions())
        if all(loss.mean() <= _STANDARD_ERRORS * _standard_error(loss) for loss in losses):
            return step
    return best


def _standard_error(differences: Floats) -> float:
    """Standard error of the mean difference over folds; with one fold there is none to speak of."""
    if len(differences) < 2:
        return 0.0
    return float(differences.std(ddof=1) / np.sqrt(len(differences)))
