from pathlib import Path

import pytest

from risk_platform_tests.app.desk_lake import build_desk_lake


@pytest.fixture(scope="session")
def desk_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RISK_HOME of an installation with a small lake."""
    home = tmp_path_factory.mktemp("desk")
    build_desk_lake(home / "lake")
    return home
