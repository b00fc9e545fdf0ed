"""Draws the icons of an installed face from its SVGs: `icon.svg` at 192 and 512, `icon-maskable.svg` at 512 for
launchers that cut their own shape, and at 180 for Apple's, which cut corners and know no SVG.

    .venv/bin/python scripts/icons.py mall
"""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import async_playwright

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.browser.faces import CHROMIUM, CHROMIUM_ARGS  # noqa: E402 - the checkout is not on the path before the line above

DRAWN = {
    "icon-192.png": ("icon.svg", 192),
    "icon-512.png": ("icon.svg", 512),
    "icon-maskable.png": ("icon-maskable.svg", 512),
    "icon-180.png": ("icon-maskable.svg", 180),
}
COLOURS = 64  # two strokes on white, and the steps between


async def main(faces: list[str]) -> None:
    """Write them beside the SVGs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        for face in faces:
            public = CHECKOUT / "web" / "apps" / face / "public"
            for name, (source, size) in DRAWN.items():
                page = await browser.new_page(viewport={"width": size, "height": size})
                svg = (public / source).read_text(encoding="utf-8")
                style = "body{margin:0}svg{display:block;width:100vw;height:100vh}"
                await page.set_content(f"<style>{style}</style>{svg}")
                drawn = Image.open(io.BytesIO(await page.screenshot(omit_background=True)))
                await page.close()
                few = drawn.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
                few.save(public / name, optimize=True)
        await browser.close()


asyncio.run(main(sys.argv[1:] or ["mall"]))
