"""Takes the pictures in `docs/screens`: every page and state of the three faces, on a phone and on a desk, in Chinese
and English, as one contact sheet for each face and language, and the pictures that the README shows.

It loads a demo chain into a directory of its own, plays a day on it (`tests/browser/stage.py`), serves it, and removes
it. Run by `make screens`; `python scripts/screens.py --each DIR` also writes every page at its full size, to look at,
and `--only console` takes one face.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw
from playwright.async_api import async_playwright

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from tests.browser import scenes, stage  # noqa: E402 - the checkout is not on the path before the line above
from tests.browser.faces import CHROMIUM, CHROMIUM_ARGS, missing, serving, settled, window  # noqa: E402

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

    from tests.browser.scenes import Scene
    from tests.browser.stage import Stage

OUT = CHECKOUT / "docs" / "screens"
CHAIN = ["--stores", "24", "--regions", "3", "--skus", "900", "--members", "200", "--days", "8"]
# What each sheet shows: the console is made for a desk and holds on a phone, which one language shows well enough.
SHEETS = {
    "mall": {"zh": ("phone", "desk"), "en": ("phone", "desk")},
    "clerk": {"zh": ("phone", "desk"), "en": ("phone",)},
    "console": {"zh": ("desk", "phone"), "en": ("desk",)},
}
CELL = {"phone": (195, 422), "desk": (480, 300)}  # of one page on a sheet, px
GAP = 12
LABEL = 16
SHEET_PX = 2000
HIGH_MAX = 16_000  # WebP holds no more
QUALITY = 74

# The pictures of the README: face, state, width, height.
README = [("mall", "product", 390, 844), ("mall", "order-ready", 390, 844), ("clerk", "queue", 390, 844),
          ("console", "today", 1280, 800)]  # fmt: skip


class Camera:
    """Takes pages as the people of the stage see them, in one width and language."""

    def __init__(self, browser: Browser, at: Stage, width: str, language: str, each: Path | None) -> None:
        self.browser, self.at, self.width, self.language, self.each = browser, at, width, language, each
        self.contexts: dict[str, BrowserContext] = {}

    async def take(self, face: str, scene: Scene) -> Image.Image:
        """What the window shows of this page once it is complete. Still: motion in a picture shows nothing."""
        if scene.who not in self.contexts:
            self.contexts[scene.who] = await window(
                self.browser,
                width=self.width,
                language=self.language,
                storage_state=self.at.people[scene.who],
                reduced_motion="reduce",
            )
        page = await self.contexts[scene.who].new_page()
        try:
            await page.goto(self.at.base + scene.path)
            await settled(page)
            if scene.act:
                await scene.act(page)
                await settled(page)
            shot = await page.screenshot()
            if self.each:
                high = await page.evaluate("document.documentElement.scrollHeight")
                whole = shot if scene.act or high > 6000 else await page.screenshot(full_page=True)
                (self.each / f"{face}-{scene.name}-{self.width}-{self.language}.png").write_bytes(whole)
            return Image.open(io.BytesIO(shot)).convert("RGB")
        finally:
            await page.close()

    async def close(self) -> None:
        """Puts the browsers away."""
        for context in self.contexts.values():
            await context.close()


async def sheet(browser: Browser, at: Stage, face: str, language: str, each: Path | None) -> None:
    """All pages of one face in one language on one picture: a band for each width."""
    bands: list[tuple[str, list[tuple[str, Image.Image]]]] = []
    for width in SHEETS[face][language]:
        camera = Camera(browser, at, width, language, each)
        cells = []
        for scene in scenes.FACES[face](at):
            if scene.only in (None, width):
                shot = await camera.take(face, scene)
                shot.thumbnail(CELL[width], Image.Resampling.LANCZOS)
                cells.append((scene.name, shot))
        bands.append((width, cells))
        await camera.close()
    save(draw(bands), OUT / f"{face}-{language}.webp")


def draw(bands: list[tuple[str, list[tuple[str, Image.Image]]]]) -> Image.Image:
    """Lays the pages out in rows, each with its name above it; in wider ones where there are too many."""
    across = SHEET_PX
    while sum(_high(width, len(cells), across) for width, cells in bands) > HIGH_MAX:
        across += SHEET_PX // 4
    placed: list[tuple[int, int, str, Image.Image]] = []
    y = GAP
    for width, cells in bands:
        wide, high = CELL[width]
        columns = _columns(width, across)
        for n, (name, shot) in enumerate(cells):
            row, column = divmod(n, columns)
            placed.append((GAP + column * (wide + GAP), y + row * (high + LABEL + GAP), name, shot))
        y += _high(width, len(cells), across)
    board = Image.new("RGB", (across, y), "#E6E9EC")
    pen = ImageDraw.Draw(board)
    for left, top, label, shot in placed:
        pen.text((left, top), label, fill="#17202A")
        board.paste(shot, (left, top + LABEL))
    return board


def _columns(width: str, across: int) -> int:
    return max(1, (across - GAP) // (CELL[width][0] + GAP))


def _high(width: str, cells: int, across: int) -> int:
    return -(-cells // _columns(width, across)) * (CELL[width][1] + LABEL + GAP)


def save(picture: Image.Image, path: Path) -> None:
    """Writes the picture, and says how large it is."""
    picture.save(path, "WEBP", quality=QUALITY, method=6)
    print(
        f"{path.relative_to(CHECKOUT)}: {picture.width}×{picture.height}, {path.stat().st_size // 1000} kB", flush=True
    )


async def readme(browser: Browser, at: Stage) -> None:
    """The pictures of the README, sharp enough for a screen with two dots to a pixel."""
    for face, name, wide, high in README:
        context = await window(
            browser,
            width="phone" if wide < 800 else "desk",
            language="zh",
            viewport={"width": wide, "height": high},
            device_scale_factor=2,
            storage_state=at.people[next(one.who for one in scenes.FACES[face](at) if one.name == name)],
            reduced_motion="reduce",
        )
        page = await context.new_page()
        await page.goto(at.base + next(one.path for one in scenes.FACES[face](at) if one.name == name))
        await settled(page)
        shot = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
        save(shot, OUT / f"{face}-{name}.webp")
        await context.close()


async def main(base: str, each: Path | None, only: str | None) -> None:
    """Takes all pictures of the chain that is served at `base`, or those of one face."""
    async with async_playwright() as playwright:
        at = await stage.build(playwright, base)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        if only is None:
            await readme(browser, at)
        for face, languages in SHEETS.items():
            if only not in (None, face):
                continue
            for language in languages:
                await sheet(browser, at, face, language, each)
        await browser.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--each", type=Path, help="also write every page at its full size into this directory")
    options.add_argument("--only", choices=list(SHEETS), help="the sheets of one face")
    asked = options.parse_args()
    if reason := missing():
        sys.exit(f"No pictures: {reason}")
    for directory in filter(None, (OUT, asked.each)):
        directory.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="duoline-screens-"))
    try:
        with serving(home, CHAIN) as address:
            asyncio.run(main(address, asked.each, asked.only))
    finally:
        shutil.rmtree(home, ignore_errors=True)
