"""`make bench-faces`: when the main thing of a mall page stands on a slow phone; figures go to bench/results/faces.json.

Each page is opened as by somebody who was never here (nothing kept), on a phone of 390×844 whose line carries
1.6 Mbit/s down and 750 kbit/s up with a round trip of 150 ms, and whose processor is four times slower than this
one. `lcp_ms` is the browser's own largest contentful paint, the middle one of several openings; `app_ms` is when the
application has taken over what the server wrote. The machine's load is written beside them, for a busy machine makes a
slow phone slower. `price_s` is how long a price that headquarters has changed takes until it stands on a product's page
that is open, on a fast line: from the answer to the change.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

from bench.__main__ import _git
from tests.browser.faces import CHECKOUT, CHROMIUM, CHROMIUM_ARGS, SMALL_CHAIN, missing, serving, window
from tests.browser.stage import SHOP, Person, in_stock, staff

RESULTS = Path(__file__).parent / "results" / "faces.json"
DOWN_BYTES_S = 1_600_000 // 8
UP_BYTES_S = 750_000 // 8
ROUND_TRIP_MS = 150
SLOWER = 4
LCP_MAX_MS = 1500
LOOKS = """(() => {
  window.lcp = null
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.lcp = { ms: one.startTime, what: one.url || one.element?.className || one.element?.tagName || '' }
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  // What the server wrote is replaced by the application: from then on everything can be pressed.
  let written = false
  new MutationObserver(() => {
    if (document.querySelector('#app > .early')) written = true
    else if (written) window.takenOverAt ??= performance.now()
  }).observe(document, { childList: true, subtree: true })
})()"""
WEIGHTS = """() => {
  const all = [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')]
  const sum = (some) => some.reduce((bytes, one) => bytes + (one.transferSize || 0), 0)
  return { requests: all.length, bytes: sum(all), script: sum(all.filter((one) => one.name.endsWith('.js'))), fcp: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0 }
}"""


async def look(browser: Browser, address: str) -> dict[str, Any]:
    """Opens a page on the slow phone; how long its main thing took, and what was sent."""
    context = await window(browser, width="phone", language="zh", device_scale_factor=2)
    await context.add_init_script(LOOKS)
    page = await context.new_page()
    line = await context.new_cdp_session(page)
    await line.send("Network.enable")
    await line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP_MS,
            "downloadThroughput": DOWN_BYTES_S,
            "uploadThroughput": UP_BYTES_S,
        },
    )
    await line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(address, wait_until="load")
    await page.wait_for_timeout(2500)
    found: dict[str, Any] = {
        "lcp": await page.evaluate("window.lcp"),
        "app": await page.evaluate("window.takenOverAt"),
        **await page.evaluate(WEIGHTS),
    }
    await context.close()
    return found


async def measure(base: str, times: int) -> dict[str, Any]:
    """The pages of the promise: first page, search, product."""
    async with async_playwright() as playwright:
        visitor = Person(await playwright.request.new_context(), base)
        product = (await in_stock(visitor, at=SHOP, limit=1))[0]["product"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        figures: dict[str, Any] = {}
        for name, path in (("home", "/"), ("search", "/search?q=Heyu"), ("product", f"/p/{product}")):
            await look(browser, base + path)  # the server's own caches fill
            runs = [await look(browser, base + path) for _ in range(times)]
            middle = sorted(runs, key=lambda run: run["lcp"]["ms"])[len(runs) // 2]
            figures |= {
                f"{name}_lcp_ms": round(middle["lcp"]["ms"]),
                f"{name}_lcp_best_ms": round(min(run["lcp"]["ms"] for run in runs)),
                f"{name}_app_ms": round(statistics.median(run["app"] for run in runs)),
                f"{name}_fcp_ms": round(statistics.median(run["fcp"] for run in runs)),
                f"{name}_lcp_what": middle["lcp"]["what"].split("/")[-1][:40],
                f"{name}_requests": middle["requests"],
                f"{name}_bytes": middle["bytes"],
                f"{name}_script_bytes": middle["script"],
            }
            print({key: value for key, value in figures.items() if key.startswith(name)}, flush=True)
        await browser.close()
        return figures


async def price_change(base: str, times: int = 10) -> dict[str, float]:
    """Seconds from the answer to a changed price until it stands on an open page, over several changes."""
    async with async_playwright() as playwright:
        head = await staff(playwright, base, "hq")
        goods = (await in_stock(head, at=SHOP, limit=1))[0]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = await (await window(browser, width="phone", language="zh")).new_page()
        await page.goto(f"{base}/p/{goods['product']}")
        await page.wait_for_timeout(3000)  # until its line stands
        took = []
        for n in range(times):
            price = {"minor": 12_301 + n, "currency": "CNY"}
            body = {"sku_id": goods["sku_id"], "scope": "chain", "price": price, "reason": "bench"}
            await head.send("POST", "console/prices", body)
            began = time.perf_counter()
            await page.locator("main", has_text=f"123.{n + 1:02}").wait_for()
            took.append(time.perf_counter() - began)
        await browser.close()
        print(f"a changed price stands on an open page after {statistics.median(took):.2f} s", flush=True)
        return {"price_s": round(statistics.median(took), 2), "price_max_s": round(max(took), 2)}


def script_kib() -> dict[str, float]:
    """The script of each face's first page, gzipped, as `npm run sizes` counts it."""
    found = {}
    for face in ("mall", "clerk", "console"):
        files = (CHECKOUT / "web" / "dist" / face / "assets").glob("*.js")
        first = [path for path in files if path.name.startswith(("index-", "first-"))]
        found[f"{face}_first_script_kib"] = round(
            sum(len(gzip.compress(path.read_bytes(), 6)) for path in first) / 1024, 1
        )
    return found


def main() -> None:
    """Serve, measure, write."""
    options = argparse.ArgumentParser(prog="bench.faces")
    options.add_argument("--times", type=int, default=5, help="how often each page is opened")
    options.add_argument("--base", help="measure a chain that is served already")
    asked = options.parse_args()
    if reason := missing():
        raise SystemExit(f"Nothing to measure: {reason}")
    busy = os.getloadavg()[0]
    if asked.base:
        figures = asyncio.run(measure(asked.base, asked.times))
    else:
        home = Path(tempfile.mkdtemp(prefix="duoline-faces-"))
        try:
            with serving(home, SMALL_CHAIN) as base:
                figures = asyncio.run(measure(base, asked.times)) | asyncio.run(price_change(base))
        finally:
            shutil.rmtree(home, ignore_errors=True)
    figures = {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "line": f"{DOWN_BYTES_S * 8 / 1e6:g} Mbit/s, {ROUND_TRIP_MS} ms, processor {SLOWER} times slower",
        "lcp_max_ms": LCP_MAX_MS,
        "load_before": round(busy, 1),
        "cores": os.cpu_count(),
        **figures,
        **script_kib(),
    }
    RESULTS.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{RESULTS.relative_to(CHECKOUT)} written")


if __name__ == "__main__":
    main()
