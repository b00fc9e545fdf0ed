"""One small demo chain served for all pages, one Chromium, and visitors whose pages must not complain."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect

from tests.browser.faces import CHROMIUM, CHROMIUM_ARGS, PATIENCE_S, SMALL_CHAIN, Watch, missing, serving, window
from tests.browser.stage import Stage, build


@pytest.fixture(scope="package")
def home() -> Iterator[Path]:
    """Where the demo chain keeps what it knows."""
    if reason := missing():
        pytest.skip(reason)
    made = Path(tempfile.mkdtemp(prefix="duoline-browser-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="package")
def site(home: Path) -> Iterator[str]:
    """The address of a running demo chain: three shops, sixty articles."""
    with serving(home, SMALL_CHAIN) as base:
        yield base


@pytest.fixture(scope="package")
async def playwright() -> AsyncIterator[Playwright]:
    """What drives browsers."""
    if reason := missing():
        pytest.skip(reason)
    async with async_playwright() as started:
        yield started


@pytest.fixture(scope="package")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """Chromium without a window."""
    expect.set_options(timeout=1000 * PATIENCE_S)
    chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
    yield chromium
    await chromium.close()


@pytest.fixture(scope="package")
async def on_stage(playwright: Playwright, site: str) -> Stage:
    """The same chain in the middle of a working day."""
    return await build(playwright, site)


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """`await visit(**options)` opens a page as somebody new, on a Chinese phone unless told otherwise.

    The test fails at its end when any of its pages raised an error or logged one.
    """
    watch = Watch()
    contexts: list[BrowserContext] = []

    async def begin(*, width: str = "phone", language: str = "zh", **options: Any) -> Page:
        context = await window(browser, width=width, language=language, **options)
        watch.on(context)
        contexts.append(context)
        return await context.new_page()

    yield begin
    for context in contexts:
        await context.close()
    assert watch.complaints == []
