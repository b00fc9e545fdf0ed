"""The demo chain in the middle of a working day: orders in every state, work in a queue, imports with errors.

Everything is done through the API, as the faces do it. What is asked for is dated by the server's clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from tests.browser.faces import AHEAD_S, PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import APIRequestContext, Playwright

SHOP = "SH001"
BUYER = "19900000007"
NEIGHBOUR = "19900000008"
ADDRESS = {"name": "李敏", "phone": "13900000002", "province": "上海市", "city": "上海市", "district": "静安区",
           "line": "人民路 8 号 3 栋 502"}  # fmt: skip
PEOPLE = ("王芳", "陈浩", "周婷", "赵磊", "林晓", "吴越", "郑洁", "孙悦")
NOTE = "麻烦配一张礼品卡"
RECEIPT = "早班到货"
STOCK_CSV = "store_code,sku_code,on_hand\n{shop},{sku},24\nNOWHERE,{sku},5\n{shop},{sku},-3\n{shop},NOTHING-1,8\n"
PRINT = {"count": 1, "reason": RECEIPT}
TRIES = 100
PAUSE_S = 0.1
_desks = cycle(range(250))


class Person:
    """Somebody who uses the API as a browser does, and whose cookies a browser can then take over."""

    def __init__(self, request: APIRequestContext, base: str) -> None:
        self.request, self.base = request, base

    async def get(self, path: str, **query: Any) -> Any:
        """Reads."""
        answer = await self.request.get(f"{self.base}/api/{path}", params=query)
        return await _told(answer)

    async def send(
        self, method: str, path: str, body: Any = None, *, address: str | None = None, **options: Any
    ) -> Any:
        """Writes, once; from a network address, as the proxy in front of the shop would say it."""
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Origin": self.base}
        if address is not None:
            headers["X-Forwarded-For"] = address
        if body is not None:
            options["data"] = body
        return await _told(
            await self.request.fetch(f"{self.base}/api/{path}", method=method, headers=headers, **options)
        )

    async def cookies(self, **kept: Any) -> dict[str, Any]:
        """The state for a browser: who one is, and what the browser remembers."""
        state: dict[str, Any] = await self.request.storage_state()  # type: ignore[assignment]
        stored = [{"name": name, "value": json.dumps(value, ensure_ascii=False)} for name, value in kept.items()]
        state["origins"] = [{"origin": self.base, "localStorage": stored}]
        return state


async def _told(answer: Any) -> Any:
    text = await answer.text()
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status} {answer.url}: {text}")
    return json.loads(text) if text else None


@dataclass
class Stage:
    """What there is to look at: ids by name, and the browser state of each person."""

    base: str
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """Words that people typed, which are the same in every language."""


async def staff(playwright: Playwright, base: str, login: str) -> Person:
    """A member of staff. They work in many places: one address gets few log-ins."""
    one = Person(await playwright.request.new_context(), base)
    address = f"100.64.{next(_desks)}.1"
    await one.send("POST", "staff/sessions", {"login": login, "password": PASSWORD}, address=address)
    return one


async def clerk_at(playwright: Playwright, base: str, code: str, *, role: str = "clerk") -> Person:
    """The clerk of this shop and no other, or with the role `store` its manager."""
    for n in range(1, 40):
        one = await staff(playwright, base, f"{role}{n:02}")
        if [store["code"] for store in (await one.get("staff/me"))["stores"]] == [code]:
            return one
    raise RuntimeError(f"no demo {role} works at {code}")


async def member(playwright: Playwright, base: str, phone: str) -> Person:
    """A member, known by phone and the code in the inbox."""
    return await sign_in(Person(await playwright.request.new_context(), base), phone)


async def sign_in(one: Person, phone: str) -> Person:
    """Logs somebody in whose browser has been here before. Everybody is at home: one address gets few codes."""
    home = f"100.{int(phone[-6:-4])}.{int(phone[-4:-2])}.{int(phone[-2:])}"
    await one.send("POST", "mall/login-codes", {"phone": phone}, address=home)
    for _ in range(TRIES):
        inbox = (await one.get("dev/inbox"))["items"]
        code = next((item["code"] for item in inbox if item["phone"].endswith(phone[-8:])), None)
        if code is not None:
            await one.send("POST", "mall/sessions", {"phone": phone, "code": code}, address=home)
            return one
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError(f"no code came for {phone}")


async def in_stock(one: Person, *, at: str, limit: int) -> list[dict[str, Any]]:
    """SKUs that the shop and the others have, as `{sku_id, product, kinds}`, one of each product."""
    found = []
    for card in (await one.get("mall/search", store=at, ready_today=1, limit=50))["items"]:
        page = await one.get(f"mall/products/{card['code']}", store=at)
        for live in page["live"]:
            if live["store_available"] and live["online_available"] > live["store_available"]:
                skus = {sku["id"]: sku["code"] for sku in page["product"]["skus"]}
                found.append(
                    {
                        "sku_id": live["sku_id"],
                        "product": card["code"],
                        "kinds": len(page["live"]),
                        "sku": skus[live["sku_id"]],
                    }
                )
                break
        if len(found) == limit:
            return found
    if not found:
        raise RuntimeError(f"{at} has nothing")
    return found


def line(sku: dict[str, Any], quantity: int = 1, *, at: str | None = SHOP) -> dict[str, Any]:
    """A line of an order: collected at a shop, or delivered."""
    return {
        "sku_id": sku["sku_id"],
        "quantity": quantity,
        "method": "pickup" if at else "delivery",
        "store_code": at,
    }


async def order(one: Person, lines: list[dict[str, Any]], *, name: str, paid: bool = True, **more: Any) -> Any:
    """Places an order; unless told otherwise it is paid on the provider's page."""
    body = {
        "lines": lines,
        "pay_mode": "online" if paid else "at_store",
        "contact": {"name": name, "phone": "13900000001"},
        **more,
    }
    if any(each["method"] == "delivery" for each in lines):
        body["address"] = ADDRESS
    placed = await one.send("POST", "mall/orders", body)
    return await pay(one, placed["id"]) if paid else await one.get(f"mall/orders/{placed['id']}")


async def pay(one: Person, order_id: str, *, until: str = "paid") -> Any:
    """Pays on the sandbox's page, and waits until the chain knows: all of it, or a deposit."""
    page = await one.send("POST", f"mall/orders/{order_id}/payment", {})
    await one.request.post(urljoin(one.base, page["pay_url"]), form={}, headers={"Origin": one.base}, max_redirects=0)
    for _ in range(TRIES):
        now = await one.get(f"mall/orders/{order_id}")
        if now["pay_state"] == until:
            return now
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError(f"order {order_id} was not paid")


async def _without_refund(buyer: Person, head: Person, placed: Any) -> None:
    """Cancels a paid order, and the provider does not give the money back."""
    page = await buyer.send("POST", f"mall/orders/{placed['id']}/payment-check", {})
    case = await head.get(f"console/orders/{page['id']}")
    fault = {"do": "faults", "ref": case["payments"][0]["intent_id"], "faults": {"refund_outcome": "failed"}}
    answer = await buyer.request.post(f"{buyer.base}/sandbox/control", data=fault)
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status}: {await answer.text()}")
    await buyer.send("POST", f"mall/orders/{placed['id']}/cancellation", {"reason": "changed_mind"})
    for _ in range(TRIES):
        if (await head.get("console/money-cases"))["items"]:
            return
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError("the refund did not fail")


async def ready(clerk: Person, job: str) -> None:
    """The clerk has picked everything."""
    await clerk.send("POST", f"clerk/fulfilments/{job}/ready", {})


async def reject(clerk: Person, placed: Any, *, reason: str = "missing", note: str = "") -> Any:
    """The clerk cannot find the first line."""
    job = placed["fulfilments"][0]
    one = job["lines"][0]
    body = {"lines": [{"line_id": one["line_id"], "quantity": one["quantity"], "reason": reason}], "note": note}
    return await clerk.send("POST", f"clerk/fulfilments/{job['id']}/rejection", body)


async def file(head: Person, kind: str, name: str, content: str) -> Any:
    """Headquarters uploads a file, and waits until it is in."""
    upload = {"file": {"name": name, "mimeType": "text/csv", "buffer": content.encode()}}
    job = await head.send("POST", f"console/imports?kind={kind}", multipart=upload)
    for _ in range(TRIES):
        job = await head.get(f"console/imports/{job['id']}")
        if job["state"] in ("done", "failed"):
            return job
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError(f"import {name} did not end")


async def build(playwright: Playwright, base: str) -> Stage:
    """Sets the stage."""
    stage = Stage(base, names={NOTE, RECEIPT, *PEOPLE, *ADDRESS.values()})
    head = await staff(playwright, base, "hq")
    clerk = await clerk_at(playwright, base, SHOP)
    # What waits for its payment still does when its page is looked at, however long the pages before it take.
    patient = {"body": {"pay_minutes": 240}, "reason": RECEIPT}
    await head.send("PUT", "console/policies/pickup", patient)
    buyer = await member(playwright, base, BUYER)
    stranger = Person(await playwright.request.new_context(), base)
    goods = await in_stock(stranger, at=SHOP, limit=12)
    for one in goods:
        await arrived(head, one["sku_id"], at=SHOP)
    several = max(goods, key=lambda one: one["kinds"])
    ids = stage.ids
    ids |= {
        "product": several["product"],
        "sku": several["sku_id"],
        "one_kind": min(goods, key=lambda one: one["kinds"])["product"],
    }
    await _orders(stage, buyer, clerk, head, goods)
    await _presales(stage, buyer, head)
    await _in_shop(stage, buyer, clerk, goods)
    await _assortments(stage, head, goods)
    await _brought_back(stage, buyer, clerk, goods)
    await _queue(stage, await member(playwright, base, NEIGHBOUR), clerk, goods)
    await _transfers(stage, clerk, head, goods)
    packs_at = await _brought(stage, buyer, clerk, head)
    await _sold_home(stage, stranger, clerk)
    await _at_the_till(stage, clerk, goods)
    await _office(stage, head, several)
    ids["replay"] = await _replay(head)
    ids["pilot"] = await _pilot(head)
    ids |= await _promotions(head)
    await _coupons(stage, buyer, head, goods)
    await _coupon_batches(stage, head, buyer, goods[0])
    await _counts(stage, clerk, head, goods)
    ids["member"] = await _standing(head)
    for purpose in ("profiling", "marketing"):
        await buyer.send("PUT", f"mall/privacy/{purpose}", {"granted": True, "text_version": 1})
    await _doubts(stage, head)
    await top_up(buyer, 50_000, bonus=5_000)

    await _favourites(stage, buyer, goods)
    await _touchpoints(stage, playwright, buyer, clerk, head, goods)
    await _settled(stage, clerk, head)
    while not (await buyer.get(f"mall/orders/{ids['preorder_open']}"))["preorder"]["balance_open"]:
        await asyncio.sleep(1)
    ids["preorder_code"] = (await buyer.get(f"mall/orders/{ids['preorder_open']}/preorder-code"))["digits"]
    shop = await stranger.get(f"mall/stores/{SHOP}")
    ids["order"] = ids["moved"]
    await buyer.send("POST", "mall/addresses", {**ADDRESS, "is_default": True})
    await buyer.send(
        "POST", "mall/addresses", {**ADDRESS, "name": "王芳", "line": "江宁路 128 弄 6 号 1201", "is_default": False}
    )
    stage.names |= {"江宁路 128 弄 6 号 1201"}
    for one, units, at in ((goods[0], 1, SHOP), (goods[1], 2, SHOP), (goods[2], 1, None)):
        await buyer.send("POST", "mall/cart/lines", line(one, units, at=at))
    chosen = {"duoline.shop": shop, "duoline.known": True}
    sale = [await _rung(clerk, one) for one in goods[3:6]]
    stage.people = {
        "member": await buyer.cookies(**chosen),
        "visitor": await Person(await playwright.request.new_context(), base).cookies(),
        "hq": await head.cookies(),
        # Who works where something is packed for another shop.
        "packer": await head.cookies(**{"duoline.clerk.store": packs_at}),
        "clerk": await clerk.cookies(
            **{
                "duoline.clerk.sale": sale,
                f"duoline.clerk.goods.receipts.{SHOP}": {"lines": _scanned(sale), "note": ""},
            }
        ),
        "nobody": await Person(await playwright.request.new_context(), base).cookies(),
    }
    stage.names.add((await buyer.get("mall/me"))["display_name"])
    stage.names |= {one["name"] for one in (await head.get("console/staff", limit=100))["items"]}
    stage.names |= await _buyers(head)
    stage.names.discard("")
    return stage


async def _buyers(head: Person) -> set[str]:
    """Everybody who ever ordered: the queue of a shop shows old orders too."""
    names: set[str] = set()
    page = await head.get("console/orders", limit=100)
    names |= {one["customer_name"] for one in page["items"]}
    while page["next"]:
        page = await head.get("console/orders", limit=100, cursor=page["next"])
        names |= {one["customer_name"] for one in page["items"]}
    return names


def _scanned(sale: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The articles of a sale as they stand in a list of goods that came in."""
    names = ("sku_id", "sku_code", "name", "options", "image")
    return [{name: one[name] for name in names} | {"units": 6 + n} for n, one in enumerate(sale)]


async def _orders(stage: Stage, buyer: Person, clerk: Person, head: Person, goods: list[dict[str, Any]]) -> None:
    """One order of the buyer in every state that a page shows differently."""
    ids, me = stage.ids, PEOPLE[0]
    done = await order(buyer, [line(goods[0])], name=me)
    job = done["fulfilments"][0]["id"]
    await ready(clerk, job)
    code = await buyer.get(f"mall/orders/{done['id']}/pickup-code")
    await clerk.send("POST", f"clerk/fulfilments/{job}/handover", {"code": code["qr"]})
    ids["done"], ids["done_job"] = done["id"], job

    called_off = await order(buyer, [line(goods[1])], name=me)
    await buyer.send("POST", f"mall/orders/{called_off['id']}/cancellation", {"reason": "changed_mind"})
    ids["cancelled"] = called_off["id"]

    refused = await order(buyer, [line(goods[1])], name=me)
    await _without_refund(buyer, head, refused)

    sent = await order(buyer, [line(goods[2], 2, at=None)], name=me)
    job = sent["fulfilments"][0]["id"]
    await ready(head, job)
    await head.send("POST", f"clerk/fulfilments/{job}/shipment", {"carrier": "SF", "tracking_no": "SF1234567890"})
    ids["sent"] = sent["id"]

    moved = await order(buyer, [line(goods[3], at=None)], name=me)
    await reject(head, moved, reason="damaged", note="外盒压坏了")
    ids["moved"] = moved["id"]
    stage.names.add("外盒压坏了")

    stuck = await order(buyer, [line(goods[3], at=None)], name=me)
    for _ in range(2):
        stuck = await buyer.get(f"mall/orders/{stuck['id']}")
        live = [job for job in stuck["fulfilments"] if job["state"] == "to_pick"]
        await reject(head, stuck | {"fulfilments": live}, reason="other")
    ids["stuck"] = stuck["id"]

    asked = await order(buyer, [line(goods[4])], name=me)
    await reject(clerk, asked)
    ids["asked"], ids["asked_job"] = asked["id"], asked["fulfilments"][0]["id"]

    waiting = await order(buyer, [line(goods[5]), line(goods[6], 2)], name=me)
    await ready(clerk, waiting["fulfilments"][0]["id"])
    ids["ready"], ids["ready_job"] = waiting["id"], waiting["fulfilments"][0]["id"]

    unpaid = await buyer.send(
        "POST",
        "mall/orders",
        {"lines": [line(goods[7])], "pay_mode": "online", "contact": {"name": me, "phone": "13900000001"}},
    )
    ids["unpaid"] = unpaid["id"]
    picked = await order(buyer, [line(goods[8]), line(goods[9], at=None)], name=me, note=NOTE)
    ids["preparing"] = picked["id"]


async def arrived(head: Person, sku_id: str, *, at: str) -> None:
    """Twenty pieces come in at a shop."""
    receipt = {"store": at, "sku_id": sku_id, "reason": "receipt", "delta": 20, "note": RECEIPT}
    await head.send("POST", "console/stock/adjustments", receipt)


async def presold(head: Person, sku: str, *, deposits_s: float) -> dict[str, Any]:
    """A pre-sale of 199, 20 of it now, whose deposits end in so many seconds: its row."""
    at = [datetime.now(UTC) + timedelta(seconds=AHEAD_S + seconds) for seconds in (-60, deposits_s, deposits_s + 86400)]
    begin, turn, end = (one.isoformat() for one in at)
    plan = {
        "sku_code": sku, "name": {"zh": "新年礼盒", "en": "New year box"}, "price": {"minor": 19900, "currency": "CNY"},
        "deposit": {"minor": 2000, "currency": "CNY"}, "deposit_from": begin, "deposit_until": turn,
        "balance_from": turn, "balance_until": end, "expected_on": turn[:10], "units_max": 20, "member_max": 9,
        "delivery": True, "pickup": "all", "cancel_terms": "until_balance", "unpaid_terms": "kept",
    }  # fmt: skip
    made: dict[str, Any] = await head.send("POST", "console/presales", {"presale": plan, "reason": RECEIPT})
    return made["row"]


async def book(one: Person, presale: dict[str, Any], *, at: str, name: str) -> str:
    """A pre-order to be collected at a shop, its deposit paid: the order's id."""
    body = {
        "presale_id": presale["id"], "version": presale["version"], "quantity": 1, "method": "pickup",
        "store_code": at, "contact": {"name": name, "phone": "13900000001"},
    }  # fmt: skip
    placed = await one.send("POST", "mall/preorders", body)
    await pay(one, placed["id"], until="deposit_paid")
    return str(placed["id"])


async def _presales(stage: Stage, buyer: Person, head: Person) -> None:
    """Two pre-sales: one that takes deposits for days, and one whose balance can be paid soon."""
    ids = stage.ids
    goods = (await in_stock(buyer, at=SHOP, limit=16))[12:]
    await arrived(head, goods[1]["sku_id"], at=SHOP)
    soon = await presold(head, goods[1]["sku"], deposits_s=20)
    ids |= {"preorder_open": await book(buyer, soon, at=SHOP, name=PEOPLE[0])}
    slow = await presold(head, goods[0]["sku"], deposits_s=7 * 86400)
    ids |= {"presale": slow["id"], "presold": goods[0]["product"], "presold_sku": goods[0]["sku_id"]}
    ids |= {"preorder": await book(buyer, slow, at=SHOP, name=PEOPLE[0])}


async def _assortments(stage: Stage, head: Person, goods: list[dict[str, Any]]) -> None:
    """What another shop may not sell, and what none but this one will from tomorrow on."""
    shops = (await head.get("mall/stores", limit=10))["items"]
    other = next(shop["code"] for shop in shops if shop["code"] != SHOP)

    async def say(zh: str, en: str, **more: Any) -> str:
        body = {"assortment": {"name": {"zh": zh, "en": en}, **more}, "reason": RECEIPT}
        made = await head.send("POST", "console/assortments", body)
        return str(made["id"])

    stage.ids["assortment"] = await say(
        "小店不卖大件", "No large goods in small shops", kind="never", products=[goods[11]["product"]], stores=[other]
    )
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await say(
        "新品首店",
        "New goods, first shop",
        kind="only",
        products=[goods[10]["product"]],
        stores=[SHOP],
        from_at=tomorrow,
    )
    stage.ids["other_shop"] = other


async def _in_shop(stage: Stage, buyer: Person, clerk: Person, goods: list[dict[str, Any]]) -> None:
    """Somebody waits for a bag, and another bag is packed already."""
    packed = await order(buyer, [line(goods[5])], name=PEOPLE[2], in_shop=SHOP)
    await ready(clerk, packed["fulfilments"][0]["id"])
    waiting = await order(buyer, [line(goods[6])], name=PEOPLE[3], in_shop=SHOP)
    found = (await clerk.get("clerk/stock", store=SHOP, sku=goods[6]["sku_id"]))["items"][0]
    stage.ids |= {"in_shop": waiting["id"], "label": found["gtin"] or f"{buyer.base}/p/{goods[6]['product']}"}


async def collected(buyer: Person, clerk: Person, lines: list[dict[str, Any]], *, name: str) -> Any:
    """An order that was paid and collected at the shop."""
    placed = await order(buyer, lines, name=name)
    job = placed["fulfilments"][0]["id"]
    await ready(clerk, job)
    code = await buyer.get(f"mall/orders/{placed['id']}/pickup-code")
    await clerk.send("POST", f"clerk/fulfilments/{job}/handover", {"code": code["qr"]})
    return placed


async def _brought_back(stage: Stage, buyer: Person, clerk: Person, goods: list[dict[str, Any]]) -> None:
    """Two of an article and one of another, of which one came back broken."""
    placed = await collected(buyer, clerk, [line(goods[0], 2), line(goods[1])], name=PEOPLE[0])
    broken = next(one for one in placed["lines"] if one["sku_id"] == goods[0]["sku_id"])
    back = {
        "store": SHOP,
        "order_id": placed["id"],
        "reason": "faulty",
        "lines": [{"line_id": broken["id"], "quantity": 1, "condition": "damaged"}],
    }
    quote = await clerk.send("POST", "clerk/return-quotes", back)
    await clerk.send("POST", "clerk/returns", back | {"expected_refund": quote["refund"]})
    stage.ids |= {"returned": placed["id"], "returned_no": placed["order_no"]}


async def _queue(stage: Stage, stranger: Person, clerk: Person, goods: list[dict[str, Any]]) -> None:
    """Work for the clerk: paid and unpaid, one article and several, some of it done."""
    jobs = []
    for n, (name, wanted) in enumerate(zip(PEOPLE[1:], (1, 3, 2, 1, 1, 2, 1), strict=True)):
        lines = [line(goods[(n + k) % len(goods)], 1 + (n + k) % 2) for k in range(wanted)]
        placed = await order(stranger, lines, name=name, paid=n % 3 != 1, note=NOTE if n == 1 else "")
        jobs.append(placed["fulfilments"][0]["id"])
    await ready(clerk, jobs[0])
    await ready(clerk, jobs[4])
    stage.ids["job"] = jobs[1]
    stage.ids["owed_job"] = jobs[4]
    body = {"store": SHOP, "sku_id": goods[3]["sku_id"], "quantity": 1, "minutes": 60, "note": "林女士,六点前来"}
    await clerk.send("POST", "clerk/holds", body)
    stage.names.add(body["note"])


async def _standing(head: Person) -> str:
    """The buyer as gold, with points given and some taken away again. Returns who they are."""
    found = (await head.get("console/members", q=BUYER[-4:]))["items"]
    who: str = next(one for one in found if one["phone_masked"] == f"{BUYER[:3]}****{BUYER[-4:]}")["id"]
    until = (datetime.now(UTC) + timedelta(days=180)).isoformat()
    key = {"name": "CRM", "rights": ["members.history"], "purposes": ["service"]}
    await head.send("POST", "console/system-keys", key)
    await head.send("PUT", f"console/members/{who}/tier", {"tier": "gold", "keeps_until": until, "reason": RECEIPT})
    for points in (1200, -150):
        await head.send("POST", f"console/members/{who}/points", {"points": points, "reason": RECEIPT})
    return who


async def _doubts(stage: Stage, head: Person) -> None:
    """Sign-ups of which two may be one person; of another two somebody has said that they are not."""
    rows = ("mall,19900000881,周小满,zhou@example.com", "till,19900000882,周小满,", "till,19900000891,吴一,wu@a.cn")
    await file(
        head, "signups", "signups.csv", "\n".join(("channel,phone,name,mail", *rows, "mall,19900000892,吴一,wu@a.cn"))
    )
    stage.names |= {"周小满", "吴一"}
    found = (await head.get("console/member-pairs", limit=100))["items"]
    one = next(pair for pair in found if pair["first"]["name"] == "吴一")
    path = f"console/member-pairs/{one['first']['id']}/{one['second']['id']}/decision"
    await head.send("POST", path, {"decision": "same", "reason": RECEIPT})
    stage.ids["merged"] = one["first"]["id"]


async def top_up(one: Person, minor: int, *, bonus: int) -> None:
    """Fills the wallet on the sandbox's page, and waits until the money is there."""
    body = {"amount": {"minor": minor, "currency": "CNY"}, "expected_bonus": {"minor": bonus, "currency": "CNY"}}
    asked = await one.send("POST", "mall/wallet/top-ups", body)
    page = await one.send("POST", f"mall/wallet/top-ups/{asked['id']}/payment", {})
    await one.request.post(urljoin(one.base, page["pay_url"]), form={}, headers={"Origin": one.base}, max_redirects=0)
    for _ in range(TRIES):
        if (await one.send("POST", f"mall/wallet/top-ups/{asked['id']}/payment-check", {}))["state"] == "paid":
            return
        await asyncio.sleep(0.2)
    raise RuntimeError("the top-up was not recorded")


async def _favourites(stage: Stage, buyer: Person, goods: list[dict[str, Any]]) -> None:
    """Two scanned in the shop and kept there, one just liked, and somebody who wanted more than is left."""
    for one in goods[10:12]:
        scanned = {"product_code": one["product"], "sku_id": one["sku_id"], "store_code": SHOP, "scan": True}
        await buyer.send("PUT", "mall/favourites", scanned)
    await buyer.send("PUT", "mall/favourites", {"product_code": goods[3]["product"]})
    stage.ids |= {"kept": goods[10]["product"], "kept_sku": goods[10]["sku_id"], "liked": goods[3]["product"]}
    wanted = {"pay_mode": "at_store", "contact": {"name": PEOPLE[2], "phone": "13900000003"}}
    greedy = wanted | {"lines": [line(goods[10], 999)]}
    headers = {"Idempotency-Key": str(uuid.uuid4()), "Origin": buyer.base}
    refused = await buyer.request.fetch(f"{buyer.base}/api/mall/orders", method="POST", headers=headers, data=greedy)
    if refused.status != 409:
        raise RuntimeError(f"999 pieces were sold: {refused.status} {await refused.text()}")


async def _counts(stage: Stage, clerk: Person, head: Person, goods: list[dict[str, Any]]) -> None:
    """A count under way, one that waits for its approval, and missing units that are kept by hand."""

    async def begin(*skus: dict[str, Any], blind: bool = True) -> str:
        body = {"store": SHOP, "kind": "cycle", "blind": blind, "sku_ids": [one["sku_id"] for one in skus]}
        return str((await clerk.send("POST", "clerk/counts", body))["id"])

    async def scan(count: str, sku: dict[str, Any], counted: int) -> None:
        one = {"id": str(uuid.uuid4()), "sku_id": sku["sku_id"], "counted": counted}
        await clerk.send("POST", f"clerk/counts/{count}/scans", {"scans": [one]})

    stage.ids["count"] = await begin(*goods[:6])
    for n, sku in enumerate(goods[:3]):
        await scan(stage.ids["count"], sku, 4 + n)
    stage.ids["counted"] = await begin(*goods[4:8], blind=False)
    for n, sku in enumerate(goods[4:8]):
        await scan(stage.ids["counted"], sku, 3 + 40 * (n % 2))
    await clerk.send("POST", f"clerk/counts/{stage.ids['counted']}/submission", {})
    # Of the last article no order wants a unit, so nothing but this hold is in the way.
    kept = {"store": SHOP, "sku_id": goods[-1]["sku_id"], "quantity": 2, "minutes": 600, "note": "张先生,晚上来"}
    await clerk.send("POST", "clerk/holds", kept)
    stage.names.add(kept["note"])
    gone = await begin(goods[-1])
    await scan(gone, goods[-1], 0)
    await clerk.send("POST", f"clerk/counts/{gone}/submission", {})
    await head.send("POST", f"console/counts/{gone}/approval", {})
    for _ in range(TRIES):
        if any(task["asks"] for task in (await head.get("console/shortages"))["items"]):
            return
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError("nobody was asked about the missing units")


async def _transfers(stage: Stage, clerk: Person, head: Person, goods: list[dict[str, Any]]) -> None:
    """Units on their way to the shop and from it: asked for, to pick, under way, short, with a surplus."""

    async def ask(one: Person, to: str, source: str, *units: tuple[dict[str, Any], int], note: str = "") -> Any:
        stage.names.add(note)
        lines = [{"sku_id": sku["sku_id"], "quantity": quantity} for sku, quantity in units]
        return await one.send(
            "POST", "clerk/transfers", {"store": to, "source_code": source, "lines": lines, "note": note}
        )

    async def step(moved: Any, name: str, lines: list[dict[str, Any]]) -> Any:
        return await head.send(
            "POST", f"clerk/transfers/{moved['id']}/{name}", {"version": moved["version"], "lines": lines}
        )

    async def agreed(moved: Any) -> Any:
        if moved["state"] == "approved":  # by policy
            return moved
        return await head.send("POST", f"staff/transfers/{moved['id']}/approval", {})

    async def sent(moved: Any) -> Any:
        moved = await agreed(moved)
        everything = [{"sku_id": each["sku_id"], "quantity": each["quantity"]} for each in moved["lines"]]
        return await step(moved, "shipment", everything)

    neighbours = [
        one["code"] for one in (await head.get("staff/stores", limit=50))["items"] if one["code"].startswith("SH")
    ]
    other, third = [code for code in neighbours if code != SHOP][:2]
    sku = goods[2]
    for code in (other, third):
        for each in goods[:5]:
            receipt = {"store": code, "sku_id": each["sku_id"], "reason": "receipt", "delta": 9, "note": RECEIPT}
            await head.send("POST", "console/stock/adjustments", receipt)
    coming = await sent(await ask(clerk, SHOP, other, (sku, 2), (goods[1], 1), note="林女士周六来取"))
    short = await sent(await ask(clerk, SHOP, third, (goods[0], 3)))
    await step(short, "receipt", [{"sku_id": goods[0]["sku_id"], "received": 1, "damaged": 1}])
    await ask(clerk, SHOP, other, (goods[3], 5))
    pick = await agreed(await ask(head, other, SHOP, (goods[4], 2), (goods[5], 1)))
    wanted = await ask(head, third, SHOP, (goods[6], 4), note="母婴节陈列")
    done = await sent(await ask(head, third, SHOP, (goods[7], 1)))
    await step(done, "receipt", [{"sku_id": goods[7]["sku_id"], "received": 2, "damaged": 0}])
    stage.ids |= {
        "coming": coming["id"],
        "short": short["id"],
        "pick": pick["id"],
        "wanted": wanted["id"],
        "moved_unit": done["id"],
        "coming_sku": sku["sku_id"],
    }


async def _brought(stage: Stage, buyer: Person, clerk: Person, head: Person) -> str:
    """To be collected at the shop, which has none: one is being packed elsewhere, one is on its way. Where it is packed."""
    sku = await lacking(buyer, at=SHOP)
    ids, me = stage.ids, PEOPLE[0]
    ids["lacking"], ids["lacking_sku"] = sku["product"], sku["sku_id"]
    sent = await order(buyer, [line(sku)], name=me, bring=True)
    job = sent["fulfilments"][0]["id"]
    await ready(head, job)
    await head.send("POST", f"clerk/fulfilments/{job}/sending", {})
    coming = (await clerk.get("clerk/transfers", store=SHOP))["items"]
    ids["bring_sent"] = sent["id"]
    ids["bring_coming"] = next(one["id"] for one in coming if (one["for_order"] or {}).get("order_id") == sent["id"])
    packing = await order(buyer, [line(sku)], name=me, bring=True)
    ids["bring"], ids["bring_job"] = packing["id"], packing["fulfilments"][0]["id"]
    return str(packing["fulfilments"][0]["store"]["code"])


async def sell_home(clerk: Person, sku_id: str, *, phone: str, name: str) -> Any:
    """A clerk orders for a customer what is sent home; it waits for the payment."""
    where = {part: ADDRESS[part] for part in ("province", "city", "district", "line")}
    body = {"store": SHOP, "lines": [{"sku_id": sku_id, "quantity": 1}], "address": where}
    quote = await clerk.send("POST", "clerk/home-quotes", body)
    person = {"name": name, "phone": phone, "expected_total": quote["total"]}
    placed = await clerk.send("POST", "clerk/home-sales", body | person)
    return await clerk.get(f"clerk/home-sales/{placed['id']}")


async def _at_the_till(stage: Stage, clerk: Person, goods: list[dict[str, Any]]) -> None:
    """A drawer that was counted and did not fit, one that is open, a receipt, and baskets that were put aside."""
    ids, note, reason = stage.ids, "找零时多给了一张", "付快递费"
    stage.names |= {note, reason, "蓝外套的顾客"}
    # What was collected and paid for before has opened a drawer by itself.
    for one in (await clerk.get("clerk/drawers", store=SHOP))["items"]:
        await clerk.send("POST", f"clerk/drawer-sessions/{one['id']}/closing", {"counted": _cash(0), "note": note})

    async def opened(float_minor: int) -> str:
        made = await clerk.send("POST", "clerk/drawer-sessions", {"store": SHOP, "float": _cash(float_minor)})
        await clerk.send(
            "POST",
            f"clerk/drawer-sessions/{made['id']}/payments",
            {"kind": "paid_out", "amount": _cash(1250), "reason": reason},
        )
        return str(made["id"])

    ids["drawer"] = await opened(30000)
    lines = [{"sku_id": one["sku_id"], "quantity": n} for n, one in enumerate(goods[:2], 1)]
    body = {"store": SHOP, "lines": lines, "tender": "cash", "tendered": _cash(1_000_000), "phone": BUYER}
    ids["sale"] = (await clerk.send("POST", "clerk/sales", body))["order"]["id"]
    case = await clerk.get(f"clerk/sales/{ids['sale']}")
    ids["receipt_link"] = case["code"]["url"].rpartition("/r/")[2]
    counted = {"counted": _cash(28750 + case["receipt"]["total"]["minor"] - 2000), "note": note}
    await clerk.send("POST", f"clerk/drawer-sessions/{ids['drawer']}/closing", counted)
    await opened(20000)
    for each in ("蓝外套的顾客", ""):
        await clerk.send("POST", "clerk/parked-sales", {"store": SHOP, "lines": lines, "note": each, "coupons": 1})


def _cash(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}


async def _sold_home(stage: Stage, customer: Person, clerk: Person) -> None:
    """What the shop has not: one that waits for its payment, one that was paid, one that was let go."""
    ids = stage.ids
    made = [await sell_home(clerk, ids["lacking_sku"], phone=f"1990000002{n}", name=PEOPLE[n]) for n in range(1, 4)]
    await clerk.send("POST", f"clerk/home-sales/{made[2]['id']}/cancellation", {})
    unpaid, paid = made[:2]
    link = paid["code"]["url"].rpartition("/o/")[2]
    page = await customer.send("POST", f"mall/order-links/{link}/payment", {})
    await customer.request.post(
        urljoin(customer.base, page["pay_url"]), form={}, headers={"Origin": customer.base}, max_redirects=0
    )
    for _ in range(TRIES):
        if (await clerk.get(f"clerk/home-sales/{paid['id']}"))["pay_state"] == "paid":
            break
        await asyncio.sleep(PAUSE_S)
    else:
        raise RuntimeError("the home sale was not paid")
    ids |= {
        "home_unpaid": unpaid["id"],
        "home_paid": paid["id"],
        "home_over": made[2]["id"],
        "link_unpaid": unpaid["code"]["url"].rpartition("/o/")[2],
        "link_paid": link,
        "link_over": made[2]["code"]["url"].rpartition("/o/")[2],
    }
    stage.names.add(unpaid["place"])


async def lacking(one: Person, *, at: str) -> dict[str, Any]:
    """An SKU that the shop has not, and others have several of."""
    for card in (await one.get("mall/search", store=at, limit=50))["items"]:
        for live in (await one.get(f"mall/products/{card['code']}", store=at))["live"]:
            if live["store_available"] == 0 and live["online_available"] > 4:
                return {"sku_id": live["sku_id"], "product": card["code"]}
    raise RuntimeError(f"{at} has everything")


async def _office(stage: Stage, head: Person, sku: dict[str, Any]) -> None:
    """What headquarters did this morning: a price, a count, a file with mistakes in it."""
    ids = stage.ids
    job = await file(head, "stock", "opening-stock.csv", STOCK_CSV.format(shop=SHOP, sku=sku["sku"]))
    ids["import"] = job["id"]
    await head.send(
        "PUT", "console/stock/safety", {"store": SHOP, "sku_id": sku["sku_id"], "safety": 1, "reason": RECEIPT}
    )
    # Every unit that is missing is told of, so that there is something to see.
    strict = {"body": {"missing_units": 0}, "reason": RECEIPT}
    await head.send("PUT", "console/policies/stock_alerts", strict)
    ids["region"] = (await head.get("console/regions"))["items"][0]["code"]
    ids["policy"] = (await head.get("console/policies"))["items"][0]["kind"]


async def _replay(head: Person) -> str:
    """What the morning's deliveries would have cost under two other policies, played to its end."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=AHEAD_S)  # the server's clock
    body = {
        "since": (until - timedelta(days=1)).isoformat(),
        "until": until.isoformat(),
        "versions": [0],
        "draft": {"body": {"pick_dc": 2000, "parcels_max": 2}},
    }
    made = await head.send("POST", "console/replays", body)
    for _ in range(3 * TRIES):
        found = await head.get(f"console/replays/{made['id']}")
        if found["state"] not in ("queued", "running"):
            break
        await asyncio.sleep(PAUSE_S)
    if found["state"] != "done":
        raise RuntimeError(f"the replay is {found['state']}: {found['problem']}")
    return str(found["id"])


async def _promotions(head: Person) -> dict[str, str]:
    """One that runs, for a channel in which nobody here buys; one to come, in its second version; one that is over."""
    category = (await head.get("console/categories"))["items"][0]["code"]
    soon = (datetime.now(UTC) + timedelta(days=10)).isoformat()
    step = {"from_minor": 30000, "off_minor": 5000}
    spend = {
        "name": {"zh": "满 300 减 50", "en": "50 off 300"},
        "effect": {"type": "threshold", "steps": [step]},
        "of": {"categories": [category]},
        "when": {"channels": ["open_api"], "weekdays": [0, 4]},
        "group": "autumn",
    }
    percent = {"name": {"zh": "会员日 9 折", "en": "Members' day"}, "effect": {"type": "percent_off", "off_bp": 1000}}
    later = percent | {"from_at": soon, "group": "autumn"}

    async def add(promotion: dict[str, Any]) -> Any:
        made = await head.send("POST", "console/promotions", {"promotion": promotion, "reason": RECEIPT})
        return made["promotion"]

    running, coming, over = await add(spend), await add(later), await add(later | {"group": ""})
    better = later | {"effect": {"type": "percent_off", "off_bp": 1500}, "when": {"stores": [SHOP]}}
    change = {"promotion": better, "version": 1, "reason": RECEIPT}
    await head.send("PUT", f"console/promotions/{coming['id']}", change)
    await head.send("POST", f"console/promotions/{over['id']}/end", {"version": 1, "reason": RECEIPT})
    return {"promotion": running["id"], "promotion_coming": coming["id"], "promotion_over": over["id"]}


async def _coupons(stage: Stage, buyer: Person, head: Person, goods: list[dict[str, Any]]) -> None:
    """Coupons of every kind: some that the buyer has, one used, some to be had, one at a place, and two on paper."""
    now = datetime.now(UTC)
    soon, later = (now + timedelta(days=3)).isoformat(), (now + timedelta(days=40)).isoformat()

    async def promotion(zh: str, en: str, effect: dict[str, Any], **more: Any) -> str:
        body = {"name": {"zh": zh, "en": en}, "effect": effect, "when": {"coupon": True}} | more
        made = await head.send("POST", "console/promotions", {"promotion": body, "reason": RECEIPT})
        return str(made["promotion"]["id"])

    async def batch(of: str, way: str, **more: Any) -> Any:
        body = {"promotion_id": of, "way": way, "from_at": now.isoformat(), "reason": RECEIPT} | more
        return await head.send("POST", "console/coupon-batches", body)

    welcome = await promotion("新人立减 5 元券", "5 off, to welcome you", {"type": "amount_off", "off_minor": 500})
    step = {"from_minor": 19900, "off_minor": 3000}
    spend = await promotion("母婴满 199 减 30", "30 off 199", {"type": "threshold", "steps": [step]}, until_at=later)
    weekend = await promotion(
        "周末 88 折券", "12% off at weekends", {"type": "percent_off", "off_bp": 1200}, until_at=soon
    )
    posted = await promotion("包邮券", "Ships free", {"type": "free_delivery", "from_minor": 0})
    claims = [
        (await batch(welcome, "claim", member_max=2))["batch"]["batch_id"],
        (await batch(spend, "claim", issued_max=100))["batch"]["batch_id"],
    ]
    await batch(posted, "claim", issued_max=20, valid_days=14)
    await batch(weekend, "claim")
    await buyer.send("POST", f"mall/coupon-batches/{claims[0]}/claims", {})
    used = await order(buyer, [line(goods[0])], name=PEOPLE[0])
    stage.ids["discounted"] = used["id"]
    for one in claims:
        await buyer.send("POST", f"mall/coupon-batches/{one}/claims", {})
    place = "静安店门口海报"
    stage.names.add(place)
    url = (await batch(weekend, "touchpoint", touchpoint=place))["url"]
    await buyer.send("POST", "mall/coupon-codes", {"code": url.rpartition("/")[2]})
    paper = (await batch(posted, "print"))["batch"]["batch_id"]
    stage.ids["coupon_code"] = (await head.send("POST", f"console/coupon-batches/{paper}/codes", PRINT))["codes"][0]
    paper = (await batch(welcome, "print"))["batch"]["batch_id"]
    stage.ids["paper_code"] = (await head.send("POST", f"console/coupon-batches/{paper}/codes", PRINT))["codes"][0]


BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Chrome/131 Mobile"}
FRIENDS = ("19900000301", "19900000302", "19900000303")
SHARED = "我家宝宝一直喝这个,放心"
OUTFIT = "第一个冬天"
CLAIM = "这位顾客从九月起一直由我接待"


async def opened(one: Person, code: str) -> None:
    """Somebody opens the code of a touchpoint, as from a printed QR."""
    answer = await one.request.get(f"{one.base}/t/{code}?v=q", headers=BROWSER, max_redirects=0)
    if answer.status != 302:
        raise RuntimeError(f"{answer.status} {answer.url}")


async def _touchpoints(
    stage: Stage, playwright: Playwright, buyer: Person, clerk: Person, head: Person, goods: list[dict[str, Any]]
) -> None:
    """Codes of every kind with what they brought; a guide whose members came by them, one of whom is disputed."""
    base, ids = stage.base, stage.ids

    async def made(kind: str, zh: str, en: str, **more: Any) -> Any:
        body = {"kind": kind, "name": {"zh": zh, "en": en}, "target": {"kind": "home"}, "store": SHOP} | more
        return (await head.send("POST", "console/touchpoints", body))["items"][0]

    product = {"kind": "product", "name": goods[0]["product"]}
    poster = await made("poster", "门口海报", "Poster at the door", target={"kind": "store", "name": SHOP})
    await made("shelf", "奶粉货架", "Milk shelf", target=product, places=["A-01", "A-02"])
    campaign = await made("campaign", "双十二", "Twelve twelve", store=None)
    ended = await made("poster", "旧海报", "Old poster")
    await head.send("POST", f"console/touchpoints/{ended['id']}/end", {"reason": RECEIPT})
    ids |= {"touchpoint": poster["id"], "touchpoint_quiet": campaign["id"], "ended_code": ended["code"]}
    stage.names |= {"A-01", "A-02", SHARED, CLAIM}

    guide = await clerk.send("POST", "clerk/guide-codes", {"store": SHOP})
    shared = await buyer.send("POST", "mall/shares", {**product, "note": SHARED})
    await clerk.send("POST", "clerk/shares", {**product, "store": SHOP, "note": SHARED})
    pieces = [{"product_code": one["product"], "sku_id": None} for one in goods[:4]]
    outfit = {"name": OUTFIT, "note": SHARED, "pieces": pieces}
    mine = (await buyer.send("POST", "mall/outfits", outfit))["outfit"]["id"]
    theirs = (await clerk.send("POST", "clerk/outfits", {**outfit, "store": SHOP}))["outfit"]["id"]
    over = (await buyer.send("POST", "mall/outfits", outfit))["outfit"]["id"]
    await buyer.send("POST", f"mall/outfits/{over}/end")
    ids |= {"outfit": mine, "clerk_outfit": theirs, "outfit_over": over}
    stage.names.add(OUTFIT)
    # A label of each of these goods, scanned by somebody who passes.
    skus = "&".join(f"sku={one['sku_id']}" for one in goods[:4])
    await clerk.request.get(f"{base}/api/staff/labels.pdf?store={SHOP}&{skus}")
    passer = Person(await playwright.request.new_context(), base)
    await passer.request.get(f"{base}/p/{goods[0]['product']}?store={SHOP}&scan=1", headers=BROWSER, max_redirects=0)
    ids |= {"guide_code": guide["code"], "share_code": shared["code"], "share_product": product["name"]}
    for n, phone in enumerate(FRIENDS):
        friend = Person(await playwright.request.new_context(), base)
        for code in (poster["code"], campaign["code"], shared["code"])[: n + 1]:
            await opened(friend, code)
        stage.names.add(name := ("林小雨", "周可", "")[n])
        await sign_in(friend, phone)
        if name:
            await friend.send("PATCH", "mall/me", {"display_name": name})
        await order(friend, [line(goods[n])], name=PEOPLE[n])
        await friend.send("POST", "mall/guide", {"code": guide["code"]})
    if (await buyer.get("mall/guide"))["binding"]:  # as the demo chain has it
        await buyer.send("DELETE", "mall/guide")
    await buyer.send("POST", "mall/guide", {"code": guide["code"]})
    ids["bound_member"] = str((await buyer.get("mall/me"))["id"])
    # The manager says that the member is theirs; who asks for somebody does not decide it.
    manager = await clerk_at(playwright, base, SHOP, role="store")
    await manager.send("POST", "clerk/guide-disputes", {"store": SHOP, "phone": FRIENDS[0], "reason": CLAIM})
    # The office's own account stands in for a colleague of the shop.
    other = await head.send("POST", "clerk/guide-codes", {"store": SHOP})
    ids["other_guide_code"] = other["code"]
    await head.send("POST", "clerk/guide-asks", {"store": SHOP, "phone": BUYER})


async def _settled(stage: Stage, clerk: Person, head: Person) -> None:
    """The month that the demo chain closed: a clerk disputes their statement, what is approved is being paid, and one
    payout did not arrive."""
    statements = (await head.get("console/statements", limit=100))["items"]
    mine = next(iter((await clerk.get("clerk/statements"))["items"]), None)
    if mine is not None:
        await clerk.send("POST", f"clerk/statements/{mine['month']}/notes", {"note": RECEIPT})
    if any(one["state"] == "approved" for one in statements):  # else somebody has paid them before
        await _pay_out(head, statements[0]["month"])
    shown = next((one for one in statements if mine and one["id"] == mine["id"]), statements[0])
    stage.ids |= {"statement": shown["id"], "payee": shown["payee"]["id"], "paid_order": await _of_payee(head, shown)}
    payees = (await head.get("console/payees", limit=100))["items"]
    stage.names |= {one["payee"]["name"]["zh"] for one in payees if one["payee"]["kind"] in ("staff", "member")}


async def _pay_out(head: Person, month: str) -> None:
    """A run over what is approved, of which one did not arrive."""
    run = await head.send("POST", "console/payout-runs", {"month": month})
    for _ in range(TRIES):
        payouts = (await head.get(f"console/payout-runs/{run['id']}/payouts"))["items"]
        if by_file := [one for one in payouts if not one["provider"]]:
            failed = {"outcome": "failed", "problem": RECEIPT}
            await head.send("POST", f"console/payouts/{by_file[0]['id']}/outcome", failed)
            return
        await asyncio.sleep(PAUSE_S)
    raise RuntimeError("nothing was paid out")


async def _of_payee(head: Person, statement: dict[str, Any]) -> str:
    """An order that a statement pays for."""
    lines = (await head.get(f"console/statements/{statement['id']}/lines"))["items"]
    return str(lines[0]["share"]["order_id"])


async def _coupon_batches(stage: Stage, head: Person, buyer: Person, sku: dict[str, Any]) -> None:
    """A promotion with limits for coupons, a batch of it for each way, one coupon used, one batch that was a mistake."""
    limited = {
        "name": {"zh": "满 20 减 3 元券", "en": "3 off 20"},
        "effect": {"type": "threshold", "steps": [{"from_minor": 2000, "off_minor": 300}]},
        "when": {"coupon": True},
        "budget_minor": 500_000,
        "orders_max": 2000,
        "member_orders_max": 2,
        "clawback": True,
    }
    made = await head.send("POST", "console/promotions", {"promotion": limited, "reason": RECEIPT})
    promotion_id = made["promotion"]["id"]
    place = "静安店门口海报"

    async def opened(way: str, **more: Any) -> str:
        now = datetime.now(UTC).isoformat()
        body = {"promotion_id": promotion_id, "way": way, "from_at": now, "reason": RECEIPT} | more
        return str((await head.send("POST", "console/coupon-batches", body))["batch"]["batch_id"])

    soon = (datetime.now(UTC) + timedelta(days=10)).isoformat()
    claim = await opened("claim", issued_max=500, valid_days=14)
    await opened("code", code="HELLO2026", until_at=(datetime.now(UTC) + timedelta(days=30)).isoformat())
    touch = await opened("touchpoint", touchpoint=place, issued_max=300, from_at=soon)
    printed = await opened("print", issued_max=200)
    given = await opened("given", valid_days=30)
    mistake = await opened("given", issued_max=500)
    await head.send("POST", f"console/coupon-batches/{printed}/codes", {"count": 120, "reason": RECEIPT})
    for batch in (given, mistake):
        await head.send("POST", f"console/coupon-batches/{batch}/gifts", {"ordered_within_days": 30, "reason": RECEIPT})
    await head.send("POST", f"console/coupon-batches/{mistake}/void", {"reason": RECEIPT})
    await buyer.send("POST", f"mall/coupon-batches/{claim}/claims")
    await order(buyer, [line(sku)], name=PEOPLE[0], paid=False)
    stage.names |= {place, "静安店收银台"}
    stage.ids |= {
        "promotion_coupon": promotion_id,
        "coupons_claim": claim,
        "coupons_place": touch,
        "coupons_print": printed,
        "coupons_given": given,
        "coupons_void": mistake,
    }


async def _pilot(head: Person) -> str:
    """Terms that are tried in one region from now on, beside another."""
    region = next(one["code"] for one in (await head.get("console/regions"))["items"] if one["store_count"])
    await head.send(
        "POST", "console/regions", {"code": "R-NEW", "name": {"zh": "新区", "en": "New region"}, "reason": RECEIPT}
    )
    body = {
        "body": {"pick_dc": 90},
        "regions": [region],
        "controls": ["R-NEW"],
        "until": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        "reason": RECEIPT,
    }
    return str((await head.send("POST", "console/pilots", body))["version"])


async def _rung(clerk: Person, sku: dict[str, Any]) -> dict[str, Any]:
    """A line of the sale on the till, as the clerk's phone keeps it."""
    found = (await clerk.get("clerk/stock", store=SHOP, sku=sku["sku_id"]))["items"][0]
    kept = {name: found[name] for name in ("sku_id", "sku_code", "name", "options", "image", "price")}
    return {**kept, "quantity": 1, "available": found["here"]["available"]}


def digits(text: str) -> str:
    """Only the digits."""
    return re.sub(r"\D", "", text)
