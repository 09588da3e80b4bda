"""Development on validation folds: features, hyperparameters, calibration and alert anchor."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from risk_platform.errors import InputError
from risk_platform.models.bundle import Bundle, Quantiles, TrainingSpan
from risk_platform.models.calibration import Calibration
from risk_platform.models.calibrator import Held, calibrate
from risk_platform.models.learner import Recipe, Sample, fit, margins, side_by_side, thin
from risk_platform.models.mart import FeatureMart
from risk_platform.models.payments import Bools, Ints, Matrix
from risk_platform.models.protocol import Fold, day_date
from risk_platform.models.scored import Scored
from risk_platform.models.selection import Progress, Selection, ValidationFold, select_features, tune
from risk_platform.models.validation import plan_validation
from risk_platform.models.windows import Protocol, load_folds

_MOST_TRAINED_OTHERS = 150_000
_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Effort:
    """How much the search may cost: validation folds, other payments of a window, tuning or not."""

    folds: int
    others: int
    tune: bool


THOROUGH = Effort(folds=6, others=70_000, tune=True)
BRISK = Effort(folds=3, others=20_000, tune=False)


@dataclass(frozen=True)
class Development:
    """What validation decided; `note` says in words where it had less to go by than it wants."""

    features: tuple[str, ...]
    recipe: Recipe
    calibration: Calibration
    anchor_log_odds: float
    alert_budget: float
    selection: Selection
    note: str


def develop(
    mart: FeatureMart,
    protocol: Protocol,
    test_from: int,
    alert_budget: float,
    effort: Effort,
    progress: Progress,
) -> Development:
    """The recipe for models that are tested from day `test_from` on, made of what was known when it began."""
    known = mart.payments.known_before(protocol.as_of(Fold(0, 0, test_from, test_from)))
    plan = plan_validation(known, protocol.windows, test_from, effort.folds)
    for fold in plan.folds:
        progress(f"validation fold: {fold.describe()}")
    candidates = load_folds(mart, known, protocol, plan.folds, mart.names, effort.others)
    selection = select_features(candidates, mart.names, progress)
    del candidates
    folds = load_folds(mart, known, protocol, plan.folds, selection.features, _MOST_TRAINED_OTHERS)
    recipe = tune(folds, selection.features, progress) if effort.tune else Recipe()
    held = _held_out(folds, selection.features, recipe)
    calibration = calibrate(held)
    anchor = float(calibration(np.asarray([held.upper_quantile(alert_budget)]))[0])
    return Development(selection.features, recipe, calibration, anchor, alert_budget, selection, plan.note)


def train(mart: FeatureMart, protocol: Protocol, development: Development, fold: Fold) -> Bundle:
    """The model of `development` on the training window of `fold`, with the labels known when its test began.

    Raises InputError when that window holds no fraud, or nothing else.
    """
    rows = protocol.train_rows(mart.payments, fold)
    as_of = protocol.as_of(fold)
    fraud = mart.payments.frauds(as_of)[rows]
    check_classes(fraud, f"the training window ({fold.describe()})", "that was reported by then")
    kept, weight = thin(fraud, _MOST_TRAINED_OTHERS, np.random.default_rng(20))
    values = mart.values(rows[kept], development.features, np.float64)
    booster = fit(Sample(values, fraud[kept], weight), development.features, development.recipe)
    days = mart.payments.event_day[rows]
    return Bundle(
        model_text=booster.model_to_string(),
        features=development.features,
        calibration=development.calibration,
        anchor_log_odds=development.anchor_log_odds,
        alert_budget=development.alert_budget,
        trained_on=TrainingSpan(
            day_date(int(days.min())), day_date(int(days.max())), datetime.fromtimestamp(as_of / 1e6, UTC)
        ),
        reference=_reference(values[~fraud[kept]], development.features),
    )


def score(mart: FeatureMart, bundle: Bundle, rows: Ints) -> Scored:
    """The payments `rows` with their calibrated log odds and their final labels."""
    payments = mart.payments
    margin = bundle.margins(mart.values(rows, bundle.features, np.float64))
    return Scored.ranked(
        bundle.log_odds(margin),
        payments.frauds()[rows],
        payments.event_day[rows],
        payments.customer[rows],
        payments.amount[rows],
    )


def check_classes(fraud: Bools, where: str, which: str) -> None:
    """Raise InputError unless there are frauds and others."""
    if len(fraud) == 0:
        raise InputError(f"There is no payment in {where}; choose other dates.")
    if not fraud.any():
        raise InputError(f"There is no fraud {which} in {where}; choose other dates or a longer window.")
    if fraud.all():
        raise InputError(f"Every payment in {where} is fraud; both classes are needed.")


def _held_out(folds: tuple[ValidationFold, ...], features: tuple[str, ...], recipe: Recipe) -> Held:
    """Margins of every validation test by the model of its own fold."""
    scored = side_by_side(lambda f: margins(fit(f.train, features, recipe), f.test.values), folds)
    return Held(
        np.concatenate(scored),
        np.concatenate([fold.test.fraud for fold in folds]),
        np.concatenate([np.full(len(fold.test.fraud), number) for number, fold in enumerate(folds)]),
        np.concatenate([fold.test.weight for fold in folds]),
    )


def _reference(values: Matrix, features: tuple[str, ...]) -> dict[str, Quantiles | None]:
    """Quantiles of what is usual, None for a feature that is absent throughout."""
    found: dict[str, Quantiles | None] = {}
    for column, name in enumerate(features):
        present = values[:, column][~np.isnan(values[:, column])]
        if len(present):
            low, middle, high = np.quantile(present, _QUANTILES).tolist()
            found[name] = (low, middle, high)
        else:
            found[name] = None
    return found
