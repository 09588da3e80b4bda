"""The installation as a Dagster resource, and how its refusals end a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from risk_platform.errors import RiskPlatformError
from risk_platform.home import Home, prepare_home
from risk_platform.lake.lake import Lake
from risk_platform.settings import Settings, load_settings

Materialized = dg.MaterializeResult[Any]
IO_RETRY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


class Platform(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Settings, folders and lake of one installation."""

    home: str

    @property
    def settings(self) -> Settings:
        return load_settings(home=Path(self.home))

    @property
    def folders(self) -> Home:
        return prepare_home(self.settings)

    @property
    def lake(self) -> Lake:
        current = self.settings
        return Lake(current.lake_root, current.lake_options)


@contextmanager
def final_refusals() -> Iterator[None]:
    """Turn a refusal of the platform into a failed step that is not tried again: the data will not change by itself."""
    try:
        yield
    except RiskPlatformError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def day_range(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last business day of the partitions this run is for, both included."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)


def partition_range_tags(first: date, last: date) -> dict[str, str]:
    """Tags of a run over every partition from `first` to `last`, both included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
