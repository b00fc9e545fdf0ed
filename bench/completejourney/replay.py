"""Replay a week of baskets through the public API, day by day, and tell what became of each.

During a day every shop serves its customers in the order in which they came, several shops at a time; in the evening
deliveries are ordered and served one after the other, since they may take from any shop's shelves; so is what was wished
to be collected at a shop that had too little, which another brings there, and what shops send for from one another. So
who gets the last unit does not depend on the machine: two replays of the same baskets and seed tell the same stories.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from bench.completejourney import move, serve
from bench.completejourney.derive import phone_of, spiral
from bench.completejourney.talk import Book, Talk, code_of, log_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.completejourney.derive import Basket
    from bench.completejourney.fates import Fate

TILLS = 8


@dataclass
class Replayed:
    """What came of a week. Times in seconds; `sale_s` has one for each sale."""

    book: Book = field(default_factory=Book)
    log_in_s: float = 0.0
    shops_s: float = 0.0
    evenings_s: float = 0.0
    sale_s: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    """Processor seconds of the whole replay by who used them; `replay_others_cores` everybody else on the machine."""


class Replay:
    """One replay. `skus` gives the id of each article; one the system has never heard of is asked for all the same."""

    def __init__(
        self, port: int, skus: Mapping[str, str], fates: Mapping[int, Fate], *, say: Callable[[str], None]
    ) -> None:
        self._port, self._fates, self._say = port, fates, say
        self._skus = skus
        self._staff = ""
        self._households: dict[int, str] = {}
        self._asked: list[tuple[Basket, str]] = []
        self._short: list[Basket] = []
        self._refilled: list[Basket] = []
        self.result = Replayed()

    async def run(self, baskets: Sequence[Basket], *, login: str, password: str) -> Replayed:
        """Every basket once, in order of time."""
        talk = Talk(self._port, self.result.book)
        self._staff = await talk.staff_token(login, password)
        began = time.perf_counter()
        shoppers = {basket.household for basket in baskets if self._fates[basket.number].way != "sale"}
        self._households = await log_in(self._port, self.result.book, shoppers, at_once=TILLS)
        self.result.log_in_s = time.perf_counter() - began
        self._say(f"{len(shoppers)} households have logged in, {self.result.log_in_s:.0f} s")
        for day, todays in groupby(baskets, key=lambda basket: basket.at.date()):
            await self._day(f"{day:%A}", list(todays), talk)
        talk.close()
        return self.result

    async def _day(self, name: str, baskets: list[Basket], talk: Talk) -> None:
        began = time.perf_counter()
        shops: defaultdict[str, list[Basket]] = defaultdict(list)
        for basket in baskets:
            if self._fates[basket.number].way != "delivery":
                shops[basket.store].append(basket)
        longest_last = sorted(shops.values(), key=len)
        await asyncio.gather(*(self._shops(longest_last) for _ in range(TILLS)))
        evening = time.perf_counter()
        for basket in baskets:
            if self._fates[basket.number].way == "delivery":
                await self._order(talk, basket)
        for basket, order_id in sorted(self._asked, key=lambda asked: (asked[0].at, asked[0].number)):
            await serve.answer(talk, self._staff, self._buyer(basket), basket, order_id, self.result.book)
        self._asked.clear()
        for basket in sorted(self._short, key=lambda short: (short.at, short.number)):
            await self._have_sent(talk, basket)
        for basket in sorted(self._refilled, key=lambda sold: (sold.at, sold.number)):
            (line, *_) = self._lines(basket)
            await move.send_for(talk, self._staff, basket, line["sku_id"], line["quantity"], self.result.book)
        self._short.clear()
        self._refilled.clear()
        ended = time.perf_counter()
        self.result.shops_s += evening - began
        self.result.evenings_s += ended - evening
        told = [self.result.book.stories[basket.number] for basket in baskets]
        refused = sum(any(".refused." in word for word in words) for words in told)
        self._say(f"{name}: {len(baskets)} baskets, {refused} refused, {ended - began:.1f} s")

    async def _shops(self, waiting: list[list[Basket]]) -> None:
        """Whoever is free takes the next shop and serves all of its customers."""
        talk = Talk(self._port, self.result.book)
        while waiting:
            for basket in waiting.pop():
                if self._fates[basket.number].way == "sale":
                    await self._sale(talk, basket)
                else:
                    await self._order(talk, basket)
        talk.close()

    def _buyer(self, basket: Basket) -> str:
        return self._households[basket.household]

    def _lines(self, basket: Basket, **how: Any) -> list[dict[str, Any]]:
        return [
            {"sku_id": self._skus.get(product) or str(uuid5(NAMESPACE_OID, product)), "quantity": quantity, **how}
            for product, quantity in basket.lines
        ]

    async def _sale(self, talk: Talk, basket: Basket) -> None:
        book, fate = self.result.book, self._fates[basket.number]
        body = {
            "store": basket.store,
            "lines": self._lines(basket),
            "tender": "cash",
            "tendered": serve.MUCH,
            "phone": phone_of(basket.household),
        }
        began = time.perf_counter()
        reply = await talk.ask(self._staff, "POST", "/api/clerk/sales", body, key=f"sale-{basket.number}")
        self.result.sale_s.append(time.perf_counter() - began)
        if reply.status != 201:
            book.tell(basket.number, f"sale.refused.{code_of(reply)}")
            self._note(basket, code_of(reply))
            return
        book.tell(basket.number, "sale.sold")
        if basket.number % move.REFILLED_EVERY == 0:
            self._refilled.append(basket)
        if fate.turn == "repeated":
            second = await talk.ask(self._staff, "POST", "/api/clerk/sales", body, key=f"sale-{basket.number}")
            same = (second.status, second.body) == (reply.status, reply.body)
            book.tell(basket.number, "sale.repeated" if same else "failed.repeat.differs")

    async def _order(self, talk: Talk, basket: Basket) -> None:
        """Place an order, pay it, and go on as its fate says."""
        book, fate, token = self.result.book, self._fates[basket.number], self._buyer(basket)
        reply = await talk.ask(
            token, "POST", "/api/mall/orders", self._wish(basket, fate), key=f"order-{basket.number}"
        )
        if reply.status != 201:
            book.tell(basket.number, f"{fate.way}.refused.{code_of(reply)}")
            self._note(basket, code_of(reply))
            return
        book.tell(basket.number, f"{fate.way}.placed")
        order_id = reply.json()["id"]
        if fate.pay == "online" and fate.turn != "left" and not await talk.pay(basket.number, token, order_id):
            return
        if fate.turn in ("cancelled", "left") or (fate.turn == "trimmed" and len(basket.lines) == 1):
            await serve.cancel(talk, token, basket, order_id, book, word="left" if fate.turn == "left" else "cancelled")
            return
        if fate.turn == "trimmed":
            await serve.cancel(talk, token, basket, order_id, book, word="trimmed", one_line=True)
        rejects = fate.turn == "rejected"
        if await serve.serve(talk, self._staff, token, basket, order_id, book, rejects=rejects):
            self._asked.append((basket, order_id))

    def _note(self, basket: Basket, code: str) -> None:
        """Who found too little in a shop hears in the evening what can be done."""
        if code == "inventory.insufficient-stock" and self._fates[basket.number].way != "delivery":
            self._short.append(basket)

    async def _have_sent(self, talk: Talk, basket: Basket) -> None:
        """A buyer has it brought to the shop; for a customer at the till the shop sends for the article."""
        book, fate, token = self.result.book, self._fates[basket.number], self._households.get(basket.household)
        if fate.way == "sale" or token is None:
            wishes = {line["sku_id"]: line["quantity"] for line in self._lines(basket)}
            if short := await move.missing(talk, self._staff, basket, wishes):
                await move.send_for(talk, self._staff, basket, *short, book)
            return
        wish = self._wish(basket, fate) | {"pay_mode": "online", "bring": True}
        reply = await talk.ask(token, "POST", "/api/mall/orders", wish, key=f"bring-{basket.number}")
        if reply.status != 201:
            book.tell(basket.number, f"brought.turned-down.{code_of(reply)}")
            return
        book.tell(basket.number, "brought.placed")
        order_id = reply.json()["id"]
        if await talk.pay(basket.number, token, order_id):
            await serve.serve(talk, self._staff, token, basket, order_id, book, rejects=False)

    def _wish(self, basket: Basket, fate: Fate) -> dict[str, Any]:
        contact = {"name": f"Household {basket.household}", "phone": phone_of(basket.household)}
        if fate.way == "pickup":
            lines = self._lines(basket, method="pickup", store_code=basket.store)
            return {"lines": lines, "pay_mode": fate.pay, "contact": contact}
        lat, lon = spiral(basket.household, 0.002)
        home = {
            "province": "Ohio",
            "city": "Cincinnati",
            "line": f"{basket.household} Home Street",
            "lat": lat,
            "lon": lon,
        }
        lines = self._lines(basket, method="delivery")
        return {"lines": lines, "pay_mode": "online", "contact": contact, "address": contact | home}
