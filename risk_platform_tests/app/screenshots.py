"""Pictures of every page of a running risk desk, one PNG each.

`python -m risk_platform_tests.app.screenshots http://127.0.0.1:8501 screenshots`
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PAGES = ("overview", "alerts", "payment", "model")
PATIENCE_MS = 60_000
WIDTH, HEIGHT = 1440, 900
SCROLL_HEIGHT = "document.querySelector('[data-testid=stMain]').scrollHeight"


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a headless Chromium that talks to this machine only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.set_default_timeout(PATIENCE_MS)
            yield page
        finally:
            browser.close()


def open_page(page: Page, address: str, name: str) -> None:
    """Go to one page of the desk and wait until nothing on it is being computed any more."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(f"{address}/{'' if name == 'overview' else name}")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script of the page has run and its charts are drawn."""
    page.locator("h1").first.wait_for()
    page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-stale=true], [data-testid=stSkeleton]')"
    )
    page.wait_for_timeout(500)


def photograph(page: Page, target: Path) -> None:
    """Write the whole height of the page as a picture."""
    seen = 0
    while (height := int(page.evaluate(SCROLL_HEIGHT))) != seen:
        seen = height
        page.set_viewport_size({"width": WIDTH, "height": height})
        settle(page)
    page.screenshot(path=str(target))


def open_first_alert(page: Page, address: str) -> None:
    """Choose the riskiest alert in the table and follow it to its own page."""
    open_page(page, address, "alerts")
    page.locator("[data-testid=stDataFrame] canvas").first.click(position={"x": 15, "y": 55}, force=True)
    page.get_by_text("Open this payment").click()
    page.get_by_text("The customer's payments around it").wait_for()
    settle(page)


def photograph_all(address: str, folder: Path) -> list[Path]:
    """Pictures of every page, and of the riskiest alert's payment, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = []
    with browser_page() as page:
        for name in PAGES:
            if name == "payment":
                open_first_alert(page, address)
            else:
                open_page(page, address, name)
            pictures.append(folder / f"{name}.png")
            photograph(page, pictures[-1])
    return pictures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="where the desk listens, such as http://127.0.0.1:8501")
    parser.add_argument("folder", type=Path, help="folder for the pictures")
    chosen = parser.parse_args()
    photograph_all(chosen.address, chosen.folder)
