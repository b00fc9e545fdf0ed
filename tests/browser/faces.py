"""What the browser tests and the pictures in `docs/screens` share: a demo chain that serves, and who looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Browser, BrowserContext, Page

CHECKOUT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    (found for name in ("chromium-headless-shell", "chromium", "chromium-browser") if (found := shutil.which(name))),
    None,
)
"""The shell first: a page opens in a quarter of the time when no window with tabs and menus is made for it."""
CHROMIUM_ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-sync", "--disable-component-update"]
PASSWORD = "duoline-demo"
SMALL_CHAIN = ["--stores", "3", "--regions", "1", "--skus", "60", "--members", "20", "--days", "2", "--no-promotions"]
START_MAX_S = 180

in_languages = pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.proof)])
"""A journey in Chinese each time, in English too for long proofs; every page is looked at in both (`test_pages`)."""

AFTERNOON = 14


def ahead_s() -> int:
    """Seconds until the next afternoon in the shops' zone: the chain is served then, when shops are open and have sold
    something, so that no test and no picture depends on the hour at which it is made."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    wanted = now.replace(hour=AFTERNOON, minute=20, second=0, microsecond=0)
    return int((wanted - now + (timedelta(days=1) if wanted < now else timedelta())).total_seconds())


AHEAD_S = ahead_s()
# The browsers' clocks run with the server's.
CLOCK = f"""(() => {{
  const Real = Date
  const now = () => Real.now() + {AHEAD_S * 1000}
  window.Date = new Proxy(Real, {{
    construct: (_, given) => (given.length ? new Real(...given) : new Real(now())),
    apply: () => new Real(now()).toString(),
    get: (_, name) => (name === 'now' ? now : Real[name]),
  }})
}})()"""

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "is_mobile": False, "has_touch": False}
CHINA: dict[str, Any] = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
ENGLISH: dict[str, Any] = {"locale": "en-US", "timezone_id": "Asia/Shanghai"}
WIDTHS = {"phone": PHONE, "desk": DESK}
PATIENCE_S = 30
"""No test asserts a time: what does not come within this does not come."""
LANGUAGES = {"zh": CHINA, "en": ENGLISH}


def missing() -> str | None:
    """What there is not, in one line; None when browser tests can run."""
    if CHROMIUM is None:
        return "no Chromium: apt install chromium fonts-noto-cjk"
    built = CHECKOUT / "web" / "dist"
    if not all((built / face / "index.html").is_file() for face in ("mall", "clerk", "console")):
        return "the pages are not built: make web"
    return None


@contextmanager
def serving(home: Path, chain: list[str]) -> Iterator[str]:
    """Loads a demo chain into `home`, serves it on a free port and yields the address; stops it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
    settings = {
        "DUOLINE_HOME": str(home),
        "DUOLINE_PORT": str(port),
        "DUOLINE_DEMO": "0",
        "DUOLINE_LOG_LEVEL": "WARNING",
        "DUOLINE_TEST_AHEAD_S": str(AHEAD_S),
    }
    environment = {**kept, **settings, "PYTHONPATH": str(CHECKOUT / "src")}
    log = home / "log.txt"
    with log.open("w") as out:
        duoline = [sys.executable, "-m", "duoline"]
        if subprocess.run([*duoline, "demo", *chain], env=environment, stdout=out, stderr=out, check=False).returncode:
            raise RuntimeError(f"the demo chain did not load:\n{log.read_text()[-2000:]}")
        server = subprocess.Popen([*duoline, "serve"], env=environment, stdout=out, stderr=out)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", server, log)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_MAX_S
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the server did not become ready:\n{log.read_text()[-2000:]}")


class Watch:
    """Keeps what a page complains about. An answer 4xx to a fetch is business as usual; everything else is not."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def on(self, context: BrowserContext) -> None:
        """Listens to every page that the context opens."""
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._said(said.type, said.text, said.location["url"], page.url))
        page.on(
            "response", lambda got: self.complaints.append(f"{got.status} {got.url}") if got.status >= 500 else None
        )

    def _said(self, kind: str, text: str, about: str, where: str) -> None:
        # A code or an outfit that has ended says so, with the status that says so to programs; and a test may have taken
        # the network away.
        ended = any(part in about for part in ("/api/", "/t/", "/outfits/"))
        expected = ended and "the server responded with a status of 4" in text
        expected = expected or "net::ERR_INTERNET_DISCONNECTED" in text
        if kind == "error" and not expected:
            self.complaints.append(f"{where}: {text} ({about})")


_homes = count()


async def window(browser: Browser, *, width: str, language: str, **options: Any) -> BrowserContext:
    """A browser of somebody new: a phone or a desk, in a language, at the server's time, and at home on its own."""
    n = next(_homes)
    home = {"X-Forwarded-For": f"100.100.{n // 250}.{n % 250 + 1}"}  # one address gets few log-in codes
    context = await browser.new_context(
        **{**WIDTHS[width], **LANGUAGES[language], "extra_http_headers": home, **options}
    )
    await context.add_init_script(CLOCK)
    context.set_default_timeout(1000 * PATIENCE_S)
    return context


async def settled(page: Page) -> None:
    """Waits until the page shows what it has to show: no skeletons, pictures loaded, fonts there, nothing moving."""
    await page.wait_for_function(
        """() => document.querySelector('h1, h2, main, [role=main]') && !document.querySelector('.d-skeleton, .area.busy')
        && [...document.images].every((one) => one.complete || one.loading === 'lazy')""",
        timeout=1000 * PATIENCE_S,
    )
    await page.evaluate(
        "Promise.all([document.fonts.ready, ...document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => 0))])"
    )


async def hand_scanner(page: Page, text: str) -> None:
    """Reads a code as a hand scanner does: as keys, a hundredth of a second apart on its own clock, then Enter.

    The keys carry their own times, as a device's do, so that a busy machine does not make the scanner slow.
    """
    keyboard = await page.context.new_cdp_session(page)
    start = time.time()
    for number, key in enumerate([*text, "Enter"]):
        typed = {"key": key, "text": "\r" if key == "Enter" else key, "timestamp": start + number / 100}
        await keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", **typed})
        await keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "timestamp": typed["timestamp"]})
    await keyboard.detach()


async def staff_log_in(page: Page, base: str, face: str, login: str) -> None:
    """Logs a member of staff in through the page and waits until the face is open."""
    await page.goto(f"{base}/{face}/")
    await page.locator("input").nth(0).fill(login)
    await page.locator("input").nth(1).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("nav").first.wait_for(state="attached")


async def staff_session(page: Page, base: str, login: str) -> dict[str, Any]:
    """Logs a member of staff in without the page; who it is."""
    answer = await page.request.post(
        f"{base}/api/staff/sessions",
        data={"login": login, "password": PASSWORD},
        headers={"Idempotency-Key": str(uuid.uuid4()), "Origin": base},
    )
    if answer.status != 201:
        raise RuntimeError(await answer.text())
    me: dict[str, Any] = (await answer.json())["staff"]
    return me
