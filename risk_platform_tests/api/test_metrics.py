"""What Prometheus is told by several workers."""

from pathlib import Path

import pytest

from risk_platform.api.metrics import SHARED_FOLDER, Metrics

_NOBODY = 2**22 + 1  # above the largest process number of Linux


def test_a_worker_that_was_killed_has_no_listeners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [tmp_path / f"gauge_{mode}_{_NOBODY}.db" for mode in ("livesum", "livemax")]
    for file in left:
        file.touch()
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    assert Metrics().page() == b""
    assert not any(file.exists() for file in left)
