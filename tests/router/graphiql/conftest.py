"""The browser that drives the page."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.patience import PATIENCE

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests of a file."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        missing("Chromium")
    expect.set_options(timeout=PATIENCE * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=FLAGS, timeout=PATIENCE * 1000
        )
        yield browser
        await browser.close()


def missing(what: str) -> None:
    """Skip loudly, or fail where CI promised that it is there."""
    if os.environ.get("DRASSIST_REQUIRE_SERVICES"):
        pytest.fail(f"{what} is required (DRASSIST_REQUIRE_SERVICES) and missing")
    pytest.skip(f"{what} is missing")
