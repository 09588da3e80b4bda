"""What the whole suite shares: the closing lines that name the services a run did without."""

import pytest

from risk_platform_tests.services import missing_services


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say, one line for each service, what could not be tested here."""
    for service in missing_services():
        terminalreporter.write_line(
            f"Not tested: {service.tests} ({service.name} is not installed; `make services` installs it)."
        )
