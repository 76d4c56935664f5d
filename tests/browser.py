"""A page in headless Chromium; whoever has none skips."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from skips import need, without

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 300_000
"""Milliseconds that a page may take until it shows something, on the slowest of machines."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the system's browser, or Playwright's own, or skip where there is neither."""
    playwright = need("playwright.sync_api")
    with tempfile.TemporaryDirectory() as home, playwright.sync_playwright() as driver:
        own = driver.chromium.executable_path
        path = next(filter(None, map(shutil.which, NAMES)), own)
        if not Path(path).is_file():
            cure = "apt-get install chromium, or playwright install chromium"
            pytest.skip(without(f"browser ({', '.join(NAMES)})", cure))
        browser = driver.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-dev-shm-usage"],  # containers have neither
            env={**os.environ, "HOME": home},
        )
        try:
            if not _shows_text(browser):
                pytest.skip(
                    without("font that the browser finds", "apt-get install fonts-liberation")
                )
            yield browser
        finally:
            browser.close()


def _shows_text(browser: Any) -> bool:
    """Tell whether the browser can; without any font it shows none, and finds none on pages."""
    page = browser.new_page()
    page.set_content("<p>text</p>")
    shown = page.inner_text("p") == "text"
    page.close()
    return bool(shown)


@contextmanager
def browser_page(**options: Any) -> Iterator[Any]:
    """Open a page of Playwright's, in a context with these options, such as ``viewport``.

    What the page logs as an error, or throws, fails the test when the page is closed.
    """
    with chromium() as browser:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda told: wrong.append(told.text) if told.type == "error" else None,
        )
        yield page
    assert not wrong, wrong
