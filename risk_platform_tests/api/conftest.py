"""One running service for all tests of the API."""

from collections.abc import Iterator

import pytest

from risk_platform_tests.api.site import Site, site


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("api") / "home") as started:
        yield started
