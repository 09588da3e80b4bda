"""Pictures of a tested model, as PNG files; matplotlib and shap are imported when the first one is drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from risk_platform.models.calibration import sigmoid
from risk_platform.models.explained import Explained
from risk_platform.models.scored import Scored

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TOP_FEATURES = 20
_GROUPS = 20


def draw_all(folder: Path, scored: Scored, names: tuple[str, ...], explained: Explained) -> None:
    """PR curve, calibration, score distribution, top features and SHAP beeswarm as PNG files in `folder`."""
    import matplotlib as mpl

    with mpl.rc_context({"figure.constrained_layout.use": True, "savefig.dpi": 110}):
        mpl.use("Agg")
        _draw(folder / "precision_recall.png", lambda axes: _precision_recall(axes, scored))
        _draw(folder / "calibration.png", lambda axes: _calibration(axes, scored))
        _draw(folder / "score_distribution.png", lambda axes: _distribution(axes, scored))
        _draw(folder / "top_features.png", lambda axes: _top_features(axes, names, explained))
        _beeswarm(folder / "shap_beeswarm.png", names, explained)


def _draw(path: Path, paint: Callable[["Axes"], None]) -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.5, 4.5))
    paint(axes)
    figure.savefig(path)
    plt.close(figure)


def _precision_recall(axes: "Axes", scored: Scored) -> None:
    frauds, others = scored.counts()
    axes.step(frauds / frauds[-1], frauds / (frauds + others), where="post")
    axes.axhline(scored.fraud.mean(), linestyle=":", color="grey", label="prevalence")
    axes.set(xlabel="recall", ylabel="precision", title="Precision and recall", ylim=(0, 1.02))
    axes.legend()


def _calibration(axes: "Axes", scored: Scored) -> None:
    """Groups of payments with equal numbers of frauds, so that the rare high probabilities show."""
    reached = np.cumsum(scored.fraud)
    group = np.minimum(reached * _GROUPS // (reached[-1] + 1), _GROUPS - 1)
    size = np.maximum(np.bincount(group, minlength=_GROUPS), 1)
    said = np.bincount(group, sigmoid(scored.log_odds), minlength=_GROUPS) / size
    seen = np.bincount(group, scored.fraud, minlength=_GROUPS) / size
    axes.loglog(said[said > 0], seen[said > 0], "o", [1e-5, 1], [1e-5, 1], ":")
    axes.set(xlabel="probability said", ylabel="share of frauds seen", title="Calibration")


def _distribution(axes: "Axes", scored: Scored) -> None:
    bins = np.linspace(scored.log_odds.min(), scored.log_odds.max() + 1e-9, 60).tolist()
    axes.hist(scored.log_odds[~scored.fraud], bins=bins, alpha=0.6, label="not fraud")
    axes.hist(scored.log_odds[scored.fraud], bins=bins, alpha=0.6, label="fraud")
    axes.set(xlabel="calibrated log odds", ylabel="payments", title="Score distribution", yscale="log")
    axes.legend()


def _top_features(axes: "Axes", names: tuple[str, ...], explained: Explained) -> None:
    strength = explained.strengths()
    order = np.argsort(strength)[-_TOP_FEATURES:]
    axes.barh([names[column] for column in order], strength[order])
    axes.tick_params(axis="y", labelsize=7)
    axes.set(xlabel="mean |attribution| (log odds)", title="Top features")


def _beeswarm(path: Path, names: tuple[str, ...], explained: Explained) -> None:
    import shap
    from matplotlib import pyplot as plt

    parts = explained.parts
    explanation = shap.Explanation(
        parts[:, :-1], base_values=parts[:, -1], data=explained.values, feature_names=list(names)
    )
    shap.plots.beeswarm(explanation, show=False, max_display=_TOP_FEATURES)
    plt.gcf().savefig(path)
    plt.close("all")
