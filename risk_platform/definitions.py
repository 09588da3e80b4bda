"""The Dagster code location: everything under `defs/`, with the policies that hold for all of it."""

from risk_platform.telemetry import switch_off_telemetry

switch_off_telemetry()

import warnings  # noqa: E402
from pathlib import Path  # noqa: E402

import dagster as dg  # noqa: E402

# They announce interfaces that may change between versions; ours are locked.
for announcement in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=announcement)

from risk_platform.defs.platform import Platform  # noqa: E402
from risk_platform.settings import settings  # noqa: E402

OWNERS = ["team:risk-platform"]


def _with_owners(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec if spec.owners else spec.replace_attributes(owners=OWNERS)


def _load() -> dg.Definitions:
    """Everything under `defs/`; steps share one process, because importing the libraries costs more than most steps."""
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).resolve().parent)
    root = dg.Definitions(
        resources={"platform": Platform(home=str(settings().home.absolute()))},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(loaded, root).map_asset_specs(func=_with_owners)


defs = _load()
