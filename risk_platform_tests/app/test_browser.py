"""The pages in a real browser: the server starts, every page is drawn, and pictures of them are taken."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import PASSWORD, recent, site
from risk_platform_tests.api.site import address as address_of
from risk_platform_tests.app.screenshots import (
    PAGES,
    browser_page,
    open_first_alert,
    open_page,
    photograph,
    settle,
)
from risk_platform_tests.services import require_service

REPOSITORY = Path(__file__).resolve().parents[2]
PICTURES = REPOSITORY / "screenshots"
TEXTS = {
    "overview": (
        "Payments per day",
        "Alert rate per day",
        "Quarantine by reason",
        "₹3.03 L",
        "1 of 2 expectations",
    ),
    "alerts": ("Amount at risk", "₹1.05 L", "Of these fraud", "83 %"),
    "payment": (
        "Why it was flagged",
        "The amount is 9.0 times what this customer usually pays.",
        "From the average payment to this one",
        "The customer's payments around it",
    ),
    "model": ("Champion: version 1", "Over versions", "Verdicts", "What it looks at"),
}


@contextmanager
def served_desk(home: Path, service: str) -> Iterator[str]:
    """Address of a desk of the installation in `home`, which finds the service at that address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app/app.py"]
    where = ["--server.address", "127.0.0.1", "--server.port", str(port)]
    environment = {
        **os.environ,
        "RISK_HOME": str(home),
        "RISK_API_URL": service,
        "PYTHONPATH": str(REPOSITORY),
    }
    with subprocess.Popen(
        [*command, *where], cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def address(desk_home: Path) -> Iterator[str]:
    """Address of a desk that serves the small lake, with no service beside it."""
    require_service("chromium")
    with served_desk(desk_home, "http://127.0.0.1:9") as served:
        yield served


def wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    """Return once the server answers; fail when it ended or stays silent for a minute."""
    for _ in range(120):
        assert server.poll() is None, "the desk ended before it answered"
        try:
            with urlopen(f"{address}/_stcore/health") as answer:
                assert answer.read() == b"ok"
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the desk did not answer for a minute")


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Page]:
    """One page of a headless Chromium for all tests of this file."""
    with browser_page() as page:
        yield page


@pytest.mark.parametrize("name", PAGES)
def test_page_is_drawn(name: str, address: str, browser: Page) -> None:
    PICTURES.mkdir(exist_ok=True)
    problems: list[str] = []
    browser.on("pageerror", lambda error: problems.append(str(error)))
    if name == "payment":
        open_first_alert(browser, address)
    else:
        open_page(browser, address, name)
    photograph(browser, PICTURES / f"{name}.png")
    for text in TEXTS[name]:
        assert browser.get_by_text(text).first.is_visible(), text
    assert browser.locator("[data-testid=stException]").count() == 0
    assert problems == []
    assert (PICTURES / f"{name}.png").stat().st_size > 20_000


def sign_in(page: Page, address: str, role: Role) -> None:
    """Open the work queue of the desk at that address as the user of that role."""
    open_page(page, address, "queue")
    page.get_by_label("E-mail").fill(address_of(role))
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def hand_over_and_back(page: Page, colleague: str) -> None:
    """Assign the chosen alert to a colleague, and take it from them again."""
    page.get_by_role("combobox", name="Assign to").click()
    page.get_by_role("option", name=colleague).click()
    page.get_by_role("button", name="Assign", exact=True).click()
    page.get_by_text(f"Assigned to {colleague}", exact=True).wait_for()
    settle(page)
    photograph(page, PICTURES / "queue_assigned.png")
    page.get_by_role("button", name="Take over").click()
    page.get_by_text("Assigned to you", exact=True).wait_for()
    settle(page)


def test_an_analyst_works_on_an_alert(browser: Page, tmp_path: Path) -> None:
    """The first page that a new server is asked for: the desk's own navigation is there at once."""
    with site(tmp_path / "home") as service:
        payments = [recent(number, amount_minor=1_000_000 * number) for number in range(3, 9)]
        service.client(Role.SERVICE).post("/api/v1/transactions/batch", json={"transactions": payments})
        with served_desk(service.settings.home, service.url) as served:
            sign_in(browser, served, Role.ANALYST)
            queue = browser.locator("[data-testid=stDataFrame] canvas").first
            queue.click(position={"x": 15, "y": 55}, force=True)
            browser.get_by_role("button", name="Acknowledge").click()
            browser.get_by_text("Assigned to you", exact=True).wait_for()
            browser.get_by_label("Note").fill("Called the customer; not their payment.")
            settle(browser)
            assert browser.get_by_role("link", name="Work queue").is_visible()
            photograph(browser, PICTURES / "queue.png")
            hand_over_and_back(browser, address_of(Role.ADMIN))
            browser.get_by_label("Note").fill("Called the customer; not their payment.")
            browser.get_by_text("Fraud", exact=True).click()
            browser.get_by_role("button", name="Resolve", exact=True).click()
            browser.get_by_text("Resolved as fraud by you.").wait_for()
        found = service.client(Role.ADMIN).get("/api/v1/alerts", params={"state": "resolved"}).json()["items"]
    assert [(alert["amount_minor"], alert["note"]) for alert in found] == [
        (8_000_000, "Called the customer; not their payment.")
    ]
