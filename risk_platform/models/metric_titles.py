"""Names of the metrics as people write them, the most telling first."""

METRIC_TITLES = {
    "average_precision": "Average precision",
    "roc_auc": "Area under the ROC curve",
    "card_precision_at_100": "Card precision @ 100",
    "recall_at_1pct_fpr": "Recall at 1 % false positives",
    "brier_skill": "Brier skill score",
    "calibration_slope": "Calibration slope",
    "expected_calibration_error": "Expected calibration error",
    "brier": "Brier score",
    "prevalence": "Prevalence",
    "card_precision_at_100_ceiling": "Card precision @ 100, ceiling",
    "recall": "Recall at the threshold",
    "false_positive_rate": "False positive rate at the threshold",
    "accuracy": "Accuracy at the threshold",
}
