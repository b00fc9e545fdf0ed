"""How the replay talks to the system: as a buyer or a clerk with a token, patiently, and counting what goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.client import Connection, Reply
from bench.completejourney.derive import phone_of

if TYPE_CHECKING:
    from collections.abc import Iterable

TRIES_MAX = 4
PAUSE_S = 0.1
INBOX_LOOKS_MAX = 600
PAID_LOOKS_MAX = 200


class Book:
    """What happened to each basket, in words. Counts and the fingerprint of a replay are made from it."""

    def __init__(self) -> None:
        self.stories: defaultdict[int, list[str]] = defaultdict(list)
        self.again: Counter[str] = Counter()
        """Answers that asked for another try, which depend on the moment and are no part of a story."""

    def tell(self, basket: int, word: str) -> None:
        """Add a step to a basket's story."""
        self.stories[basket].append(word)

    def counts(self) -> Counter[str]:
        """How often each step happened."""
        return Counter(word for words in self.stories.values() for word in words)

    def fingerprint(self) -> str:
        """The same for two replays exactly if every basket met the same."""
        told = "\n".join(f"{number} {' '.join(words)}" for number, words in sorted(self.stories.items()))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


class Talk:
    """One connection of somebody who works through baskets."""

    def __init__(self, port: int, book: Book) -> None:
        self._connection = Connection(port)
        self._book = book

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    async def ask(self, token: str | None, method: str, path: str, body: Any = None, *, key: str = "") -> Reply:
        """Ask, and again with the same key when the system says that it is a matter of the moment (503)."""
        self._connection.token = token
        for attempt in range(1, TRIES_MAX + 1):
            reply = await self._connection.ask(method, path, body, key=key.rjust(20, "0") if key else None)
            if reply.status != 503 or attempt == TRIES_MAX:
                return reply
            self._book.again[code_of(reply)] += 1
            await asyncio.sleep(PAUSE_S * attempt)
        raise AssertionError

    async def must(
        self, basket: int, step: str, token: str | None, method: str, path: str, body: Any = None, *, key: str = ""
    ) -> Any:
        """Ask for what has no reason to be refused; the answer's content, or None, which the book calls a failure."""
        reply = await self.ask(token, method, path, body, key=key)
        if reply.status in (200, 201, 202):
            return reply.json()
        self._book.tell(basket, f"failed.{step}.{code_of(reply)}")
        return None

    async def staff_token(self, login: str, password: str) -> str:
        """Log a member of staff in."""
        body = {"login": login, "password": password}
        reply = await self.ask(None, "POST", "/api/staff/sessions", body, key="replay-staff")
        return str(reply.json()["token"])

    async def household_token(self, household: int) -> str:
        """Log a household in by the code that the development inbox shows. Each comes from an address of its own."""
        self._connection.forwarded_for = f"198.18.{household // 250 % 250}.{household % 250 + 1}"
        phone = phone_of(household)
        asked = await self.ask(None, "POST", "/api/mall/login-codes", {"phone": phone}, key=f"code-{household}")
        if asked.status != 202:
            raise RuntimeError(f"no log-in code for {phone}: {code_of(asked)}")
        body = {"phone": phone, "code": await self._code_sent(phone)}
        reply = await self.ask(None, "POST", "/api/mall/sessions", body, key=f"session-{household}")
        return str(reply.json()["token"])

    async def _code_sent(self, phone: str) -> str:
        for _ in range(INBOX_LOOKS_MAX):
            sent = (await self.ask(None, "GET", f"/api/dev/inbox?phone=%2B86{phone}")).json()["items"]
            if sent:
                return str(sent[0]["code"])
            await asyncio.sleep(PAUSE_S)
        raise RuntimeError(f"no log-in code reached {phone}")

    async def pay(self, basket: int, token: str, order_id: str) -> bool:
        """Pay on the provider's page, and wait until its notice has reached the order."""
        path = f"/api/mall/orders/{order_id}"
        opened = await self.must(basket, "payment", token, "POST", f"{path}/payment", {}, key=f"payment-{basket}")
        if opened is None:
            return False
        paid = await self.ask(None, "POST", urlsplit(opened["pay_url"]).path)
        if paid.status != 303:
            self._book.tell(basket, f"failed.pay-page.{paid.status}")
            return False
        for _ in range(PAID_LOOKS_MAX):
            order = await self.must(basket, "read", token, "GET", path)
            if order is None or order["pay_state"] == "paid":
                return order is not None
            await asyncio.sleep(PAUSE_S / 5)
        self._book.tell(basket, "failed.notice.late")
        return False


async def log_in(port: int, book: Book, households: Iterable[int], *, at_once: int) -> dict[int, str]:
    """The tokens of households, logged in some at a time."""
    waiting, tokens = sorted(set(households)), dict[int, str]()

    async def some() -> None:
        talk = Talk(port, book)
        while waiting:
            household = waiting.pop()
            tokens[household] = await talk.household_token(household)
        talk.close()

    await asyncio.gather(*(some() for _ in range(at_once)))
    return tokens


def code_of(reply: Reply) -> str:
    """The code of a refusal."""
    try:
        return str(reply.json().get("code", reply.status))
    except ValueError:
        return str(reply.status)
