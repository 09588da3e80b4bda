"""The settings of an installation's Dagster instance: written once, kept up to date until somebody changes them."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from risk_platform.errors import SettingsError

FILE_NAME = "dagster.yaml"
# A pool limits nothing until the instance sets its limit; one writer per table is what ours are for.
DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  poll_interval_seconds: 10
  free_slots_after_run_end_seconds: 5
"""
# SHA-256 of what earlier versions wrote: such a file nobody has changed.
_WRITTEN_BEFORE = {
    "823671834eb0b9c9839a091301268761f7570ba2ac4a095b64ffb66c71ccdee9",
    "f38280158fc5c6124644bd69fa46cf923904ea38b5fdc4880ecec97a3a4f4fcc",
}
# Who switches a part off, or chooses another class, has no use for the rest of ours.
_CHOICES = ("class", "enabled")


def keep_instance_file(folder: Path) -> None:
    """Write the settings into `folder` where they are missing or as an earlier version wrote them."""
    path = folder / FILE_NAME
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() not in _WRITTEN_BEFORE:
        return
    # Several processes may come here at once, and one of them may be Dagster, which reads it.
    unfinished = folder / f"{FILE_NAME}.{uuid4().hex}"
    unfinished.write_text(DAGSTER_YAML)
    unfinished.replace(path)


def missing_settings(folder: Path) -> list[str]:
    """Settings of ours that the file in `folder` says nothing about, such as `concurrency.pools.default_limit: 1`.

    Raises SettingsError when the file is no YAML.
    """
    import yaml

    path = folder / FILE_NAME
    try:
        found = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SettingsError(
            f"{path} is no YAML ({reason}); mend it, or remove it to have it written anew."
        ) from error
    return list(_missing(yaml.safe_load(DAGSTER_YAML), found or {}, ""))


def _missing(ours: Mapping[str, Any], found: object, above: str) -> Iterator[str]:
    if not isinstance(found, Mapping):
        return
    if any(name in found and found[name] != ours[name] for name in _CHOICES if name in ours):
        return
    for name, value in ours.items():
        if isinstance(value, Mapping):
            yield from _missing(value, found.get(name, {}), f"{above}{name}.")
        elif name not in found:
            yield f"{above}{name}: {str(value).lower() if isinstance(value, bool) else value}"
