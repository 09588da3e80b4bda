"""Dagster's settings of an installation: brought up to date while nobody changed them, never taken from anybody."""

import hashlib
import io
from pathlib import Path

import pytest
from rich.console import Console

from risk_platform.cli.up import tell_missing_settings
from risk_platform.dagster_instance import DAGSTER_YAML, FILE_NAME, keep_instance_file, missing_settings
from risk_platform.errors import SettingsError
from risk_platform.home import Home, prepare_home
from risk_platform.settings import Settings

_FIRST = """\
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
"""
_SECOND = _FIRST.replace("concurrency:", "nux:\n  enabled: false\nconcurrency:")
_SINCE = [
    "run_coordinator.config.dequeue_interval_seconds: 1",
    "run_monitoring.poll_interval_seconds: 10",
    "run_monitoring.free_slots_after_run_end_seconds: 5",
]


def prepared(root: Path, content: str | None) -> Path:
    """The file of an installation in `root` that was prepared where it had that content."""
    home = Home(root)
    home.dagster.mkdir(parents=True)
    if content is not None:
        (home.dagster / FILE_NAME).write_text(content)
    prepare_home(Settings(_env_file=None, home=root))  # type: ignore[call-arg]
    assert [path.name for path in home.dagster.iterdir()] == [FILE_NAME]
    return home.dagster / FILE_NAME


@pytest.mark.parametrize("content", [None, _FIRST, _SECOND, DAGSTER_YAML])
def test_what_we_wrote_is_brought_up_to_date(tmp_path: Path, content: str | None) -> None:
    path = prepared(tmp_path, content)
    assert path.read_text() == DAGSTER_YAML
    assert missing_settings(path.parent) == []


def test_what_is_up_to_date_is_not_written_again(tmp_path: Path) -> None:
    path = prepared(tmp_path, None)
    before = path.stat()
    keep_instance_file(path.parent)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_somebody_changed_stays_and_is_told_in_one_sentence(tmp_path: Path) -> None:
    changed = _SECOND + "retention:\n  sensor:\n    purge_after_days: 7\n"
    path = prepared(tmp_path, changed)
    assert path.read_text() == changed
    assert missing_settings(path.parent) == _SINCE
    told = io.StringIO()
    tell_missing_settings(Home(tmp_path), Console(file=told, width=80))
    assert told.getvalue() == (
        f"{path} was changed by hand and says nothing about `{'`, `'.join(_SINCE)}`; write that into it, "
        "or remove the file to have it written anew.\n"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "missing"),
    [
        ("default_limit: 1", "default_limit: 2", []),
        ("seconds: 5", "seconds: 60", []),
        ("class: QueuedRunCoordinator\n  config:\n    dequeue_interval_seconds: 1", "class: Another", []),
        ("run_monitoring:\n  enabled: true", "run_monitoring:\n  enabled: false", []),
        ("telemetry:\n  enabled: false\n", "", ["telemetry.enabled: false"]),
        ("  pools:\n    default_limit: 1", "  pools: {}", ["concurrency.pools.default_limit: 1"]),
    ],
)
def test_only_what_is_left_unsaid_is_missing(
    tmp_path: Path, ours: str, theirs: str, missing: list[str]
) -> None:
    assert ours in DAGSTER_YAML
    path = prepared(tmp_path, DAGSTER_YAML.replace(ours, theirs))
    assert missing_settings(path.parent) == missing


def test_settings_that_are_no_yaml_are_one_sentence(tmp_path: Path) -> None:
    path = prepared(tmp_path, "telemetry: [")
    with pytest.raises(SettingsError, match="is no YAML") as refused:
        missing_settings(path.parent)
    assert "\n" not in str(refused.value)


def test_who_changes_our_settings_notes_what_was_written_before() -> None:
    """When this fails, put the hash that was expected here among those written before."""
    digest = hashlib.sha256(DAGSTER_YAML.encode()).hexdigest()
    assert digest == "a33e069c3fa0978fb0e5ccd4958c87a4260ca99bb5e7234dba25e90c48601c24"
