"""Plain English for every aggregate and run state of the feature spec."""

from typing import TYPE_CHECKING

from risk_platform.durations import parse_duration
from risk_platform.features.declaration import Aggregate, Run

if TYPE_CHECKING:
    from risk_platform.features.spec import FeatureSpec

_AGGREGATES = {
    "count": "Number of {events} of {entity} in the last {window}.",
    "rate": "Share of {events} among the {all} of {entity} in the last {window}.",
    "sum": "Sum of {measure} over {events} of {entity} in the last {window}.",
    "mean": "Mean of {measure} over {events} of {entity} in the last {window}.",
    "std": "Sample standard deviation of {measure} over {events} of {entity} in the last {window}.",
    "max": "Highest {measure} among {events} of {entity} in the last {window}.",
    "distinct": "Number of different {measure} in {events} of {entity} in the last {window}.",
    "age_first": "Days since the first of the {events} of {entity} in the last {window}.",
    "age_last": "Days since the last of the {events} of {entity} in the last {window}.",
    "last": "{measure} of the last of the {events} of {entity} in the last {window}.",
}
_STREAMS = {"payments": "payments", "resolutions": "resolved payments"}
_RUNS = {
    "length": "Length of the current run of {of} of {entity} (up to {horizon} back).",
    "age_first": "Days since the first of the current run of {of} of {entity} (up to {horizon} back).",
    "age_before": "Days since the last of the {broken_by} before that run of {of} of {entity} (up to {horizon}).",
    "since": "Number of {broken_by} since the latest of the {of} of {entity} (up to {horizon} back).",
}


def describe_aggregate(spec: "FeatureSpec", a: Aggregate) -> str:
    """One sentence on what the aggregate says."""
    events, stream = ("payments", "payments")
    if a.filter:
        events, stream = spec.filters[a.filter].title, spec.filters[a.filter].stream
    text = _AGGREGATES[a.agg].format(
        events=events,
        all=_STREAMS[stream],
        entity=spec.entities[a.entity].title,
        measure=_measure_title(spec, a.measure),
        window=_spoken(a.window),
    )
    return text[0].upper() + text[1:]


def describe_run(spec: "FeatureSpec", run: Run) -> str:
    """One sentence on what the run state says."""
    return _RUNS[run.state].format(
        of=spec.filters[run.of].title,
        broken_by=spec.filters[run.broken_by].title,
        entity=spec.entities[run.entity].title,
        horizon=_spoken(run.horizon),
    )


def _measure_title(spec: "FeatureSpec", measure: str | None) -> str:
    if measure is None:
        return ""
    if measure in spec.measures:
        return spec.measures[measure].title
    title = spec.deviations[measure].title.rstrip(".")
    return title[0].lower() + title[1:]


def _spoken(window: str) -> str:
    seconds = int(parse_duration(window).total_seconds())
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}" if number > 1 else unit.removesuffix("s")
    return f"{seconds} seconds"
