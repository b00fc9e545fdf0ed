"""Every page and state of every face: it complains about nothing, everybody can read it, and it stays where it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page

from tests.browser.faces import CHECKOUT, WIDTHS, Watch, settled, window
from tests.browser.scenes import FACES, Scene
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

Visit = Callable[..., Awaitable[Page]]
AXE = CHECKOUT / "web" / "node_modules" / "axe-core" / "axe.min.js"
AXE_RUN = """async (rules) => {
  const found = await axe.run(document, { resultTypes: ['violations'], ...(rules && { runOnly: rules }) })
  return found.violations.filter((one) => ['serious', 'critical'].includes(one.impact)).map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ') + ' ' + node.any.concat(node.all, node.none).map((why) => why.message).join('; ')).slice(0, 3).join(' | ')}`)
}"""
# What may change with the width alone. Each page is looked at with every rule at one width a face and language.
BY_WIDTH = ["color-contrast", "scrollable-region-focusable"]
# Every frame's shift that no touch caused, added up: stricter than the worst five seconds that browsers report.
SHIFTS = """(() => {
  window.shifts = 0
  window.moved = []
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      if (one.hadRecentInput) continue
      window.shifts += one.value
      window.moved.push(...one.sources.map((source) => source.node?.className ?? source.node?.nodeName))
    }
  }).observe({ type: 'layout-shift', buffered: true })
})()"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Text on the page that is not marked as being in another language, and what names things for those who listen.
WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = [document.title]
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (node.parentElement?.checkVisibility() && !node.parentElement.closest('[lang^=zh]:not(html), script, style, textarea')) found.push(node.data)
  for (const one of document.querySelectorAll('[aria-label], [alt], [placeholder], [title]'))
    if (!one.closest('[lang]:not(html)')) for (const name of ['aria-label', 'alt', 'placeholder', 'title']) found.push(one.getAttribute(name) ?? '')
  return found
}"""
# A thumb needs 44 px; a link inside a sentence is as high as the sentence.
SMALL = """() => [...document.querySelectorAll('button, select, input, textarea, a.btn, a.tap, nav a, [role=tab], [role=radio]')].flatMap((one) => {
  if (!one.checkVisibility({ visibilityProperty: true }) || one.closest('[inert], .sr-only, .skip') || one.matches('.sr-only, .skip')) return []
  const box = (one.labels?.[0] ?? one).getBoundingClientRect()
  const own = one.getBoundingClientRect()
  const high = Math.max(box.height, own.height)
  return own.width && high < 43.5 ? [`only ${Math.round(high)} px high: ${one.className || one.id || one.tagName} ${one.innerText.slice(0, 20)}`] : []
})"""
HAN = re.compile(r"[\u3400-\u9fff]+")
CLS_MAX = 0.02
FIRST_PAGE_SCRIPT_MAX = 100_000  # bytes over the wire
LOOKS, REST_MS = 4, 700
AT_ONCE = 2  # pages looked at together: what such a machine has cores


@pytest.mark.parametrize("face", list(FACES))
@pytest.mark.parametrize(
    ("width", "language", "share"),
    [
        ("phone", "zh", (0, 2)),
        ("desk", "en", (1, 2)),
        pytest.param("phone", "zh", (0, 1), marks=pytest.mark.proof),
        pytest.param("desk", "en", (0, 1), marks=pytest.mark.proof),
    ],
)
async def test_every_page_is_sound_and_accessible(
    browser: Browser, on_stage: Stage, face: str, width: str, language: str, share: tuple[int, int]
) -> None:
    """Each page is loaded on a phone in Chinese or, every second one, on a desk in English; for long proofs all are
    loaded both ways. All are seen at the other width as well.

    Two pages at a time; what is wrong with one is looked at again when it is alone, so that no busy machine is blamed
    on a page. What is wrong with the page itself is wrong both times.
    """
    watch = Watch()
    contexts: dict[str, BrowserContext] = {}
    for who, state in on_stage.people.items():
        # The checks are run from outside the page's own content policy, which rightly allows no such thing.
        context = await window(
            browser, width=width, language=language, storage_state=state, bypass_csp=True, service_workers="block",
            reduced_motion="reduce",
        )  # fmt: skip
        await context.add_init_script(path=AXE)
        await context.add_init_script(SHIFTS)
        watch.on(context)
        contexts[who] = context
    first, every = share
    queue = [
        scene
        for n, scene in enumerate(FACES[face](on_stage))
        if scene.only == width or (scene.only is None and n % every == first)
    ]
    doubtful: list[Scene] = []
    wrong: dict[str, list[str]] = {}

    async def faults_of(scene: Scene) -> list[str]:
        page = await contexts[scene.who].new_page()
        try:
            return await _faults(page, on_stage, face, scene, width=width, language=language)
        except Error as error:
            return [str(error)]
        finally:
            await page.close()

    async def look() -> None:
        while queue:
            scene = queue.pop(0)
            if await faults_of(scene):
                doubtful.append(scene)

    await asyncio.gather(*(look() for _ in range(AT_ONCE)))
    for scene in doubtful:
        if found := await faults_of(scene):
            wrong[scene.name] = found
    for context in contexts.values():
        await context.close()
    assert not wrong, "\n".join(f"{name}: {one}" for name, all_of_it in wrong.items() for one in all_of_it)
    assert watch.complaints == []


async def _faults(page: Page, at: Stage, face: str, scene: Scene, *, width: str, language: str) -> list[str]:
    await page.goto(at.base + scene.path)
    await settled(page)
    if scene.act:
        await scene.act(page)
        await settled(page)

    async def as_it_is() -> list[str]:
        found: list[str] = await page.evaluate(AXE_RUN)
        if await page.evaluate(TOO_WIDE) > 0:
            found.append("wider than the window")
        if width == "phone" and face != "console":
            found += await page.evaluate(SMALL)
        if language == "en":
            found += _chinese(await page.evaluate(WORDS), at.names)
        return found

    async def at_the_other_width() -> list[str]:
        found = [f"as a {other}: {one}" for one in await page.evaluate(AXE_RUN, BY_WIDTH)]
        if await page.evaluate(TOO_WIDE) > 0:
            found.append(f"as a {other}: wider than the window")
        return found

    found = await _lasting(page, as_it_is)
    if scene.act:
        return found
    if (shifts := await page.evaluate("window.shifts")) >= CLS_MAX:
        found.append(f"jumps by {shifts:.3f}: {await page.evaluate('window.moved')}")
    other = "desk" if width == "phone" else "phone"
    await page.set_viewport_size(WIDTHS[other]["viewport"])
    await settled(page)
    return found + await _lasting(page, at_the_other_width)


async def _lasting(page: Page, look: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """What is wrong with a page that has come to rest: a busy machine may be seen in the middle of a change."""
    for _ in range(LOOKS - 1):
        if not await look():
            return []
        await page.wait_for_timeout(REST_MS)
    return await look()


def _chinese(texts: Iterable[str], names: set[str]) -> list[str]:
    """Chinese on an English page that nobody typed as a name."""
    known = sorted(names, key=len, reverse=True)
    left = []
    for text in texts:
        bare = text
        for name in known:
            bare = bare.replace(name, "")
        letter = len(bare.strip()) == 1 and any(bare.strip() in name for name in names)  # in somebody's round picture
        if HAN.search(bare) and bare.strip() != "中文" and not letter:
            left.append(f"Chinese in English: {text.strip()[:60]}")
    return left


async def test_the_first_page_of_the_mall_is_light(site: str, visit: Visit) -> None:
    page = await visit(service_workers="block")
    await page.goto(site)
    await settled(page)
    sizes: list[list[Any]] = await page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js')).map((one) => [one.name, one.encodedBodySize])"
    )
    assert sizes
    assert sum(size for _, size in sizes) < FIRST_PAGE_SCRIPT_MAX, sizes
