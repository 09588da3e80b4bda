"""The model card: what a model is for, what it saw, how good it is, in one page of Markdown."""

from risk_platform.models.fold_metrics import best_floors
from risk_platform.models.training import TrainedModel


def model_card(trained: TrainedModel) -> str:
    """The card of a trained model, in Markdown."""
    bundle, result, development = trained.bundle, trained.result, trained.development
    span = bundle.trained_on
    note = f" Note: {development.note}." if development.note else ""
    return f"""# Fraud model {bundle.hash[:12]}

Ranks payments by how likely they are to be reported as fraud. It advises; a person or a rule decides.

## What it saw
- Payments of {span.first} to {span.last}, with the judgements known before {span.as_of:%Y-%m-%d %H:%M} UTC.
- Delta versions: `payment_features` {trained.versions.payment_features}, `judgements` {trained.versions.judgements}.
- {len(bundle.features)} features: {", ".join(f"`{name}`" for name in bundle.features)}.
- Recipe: {development.recipe}.{note}

## How good it is
Tested on {len(result.scored):,} payments: {result.fold.describe()}. The model tested is the model that serves.

{_metric_table(trained)}

## Limits
- Fraud of a kind that nobody reported before the training ended is not known to it.
- Probabilities hold for the population it was calibrated on: customers without a fraud reported lately.
- The share {bundle.alert_budget:.2%} of payments reaches its alert score; another share needs another anchor.
"""


def _metric_table(trained: TrainedModel) -> str:
    best = best_floors(trained.result.floors)
    lines = ["| metric | value | 95 % interval | best floor |", "|---|---|---|---|"]
    for name, value in trained.result.metrics.as_dict().items():
        interval = trained.result.intervals.get(name)
        shown = "–" if value is None else f"{value:.4f}"
        between = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
        floor = f"{best[name]:.4f}" if name in best else ""
        lines.append(f"| {name} | {shown} | {between} | {floor} |")
    return "\n".join(lines)
