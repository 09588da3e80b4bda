"""The Dagster code location: everything under `defs/`, with the policies that hold for all of it."""

from risk_platform.telemetry import switch_off_telemetry

switch_off_telemetry()

import warnings  # noqa: E402
from datetime import timedelta  # noqa: E402
from pathlib import Path  # noqa: E402

import dagster as dg  # noqa: E402

# They announce interfaces that may change between versions; ours are locked.
for announcement in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=announcement)

from risk_platform.defs.platform import Platform  # noqa: E402
from risk_platform.settings import settings  # noqa: E402

OWNERS = ["team:risk-platform"]
# A day is made every night and a model every week; half a day of grace before anybody is told.
FRESHNESS = {
    "transactions": dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    "payment_features": dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    "decisions": dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36)),
    "challenger": dg.FreshnessPolicy.time_window(fail_window=timedelta(days=7, hours=12)),
}


def _with_policies(spec: dg.AssetSpec) -> dg.AssetSpec:
    policy = FRESHNESS.get(spec.key.to_user_string())
    owned = spec if spec.owners else spec.replace_attributes(owners=OWNERS)
    return owned.replace_attributes(freshness_policy=policy) if policy else owned


def _load() -> dg.Definitions:
    """Everything under `defs/`; steps share one process, because importing the libraries costs more than most steps."""
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).resolve().parent)
    root = dg.Definitions(
        resources={"platform": Platform(home=str(settings().home.absolute()))},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(loaded, root).map_asset_specs(func=_with_policies)


defs = _load()
