"""Debian's chromium for tests: skipped with a word where it is missing, a failure where it is required."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")


def launched() -> Iterator["Browser"]:
    """Yield a browser; AUTOINTERP_REQUIRE_BROWSER=1 makes its absence a failure."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        stop(f"playwright is not installed ({error}): pip install -e '.[dev]'")
    if not CHROMIUM.exists():
        stop(f"no {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def stop(reason: str) -> None:
    """Fail where a browser is required, else skip."""
    if os.environ.get("AUTOINTERP_REQUIRE_BROWSER") == "1":
        pytest.fail(f"AUTOINTERP_REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(f"NO BROWSER TEST WAS RUN: {reason}")
