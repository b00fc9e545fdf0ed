"""One sandbox: the applications that it knows, its books, and what is to go wrong next."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from duoline.adapters.sandbox import rules
from duoline.adapters.sandbox.ledger import Ledger
from duoline.kernel import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

_STEPS = (
    (
        """CREATE TABLE codes (
            code TEXT PRIMARY KEY, app_id TEXT NOT NULL, account TEXT NOT NULL, scope TEXT NOT NULL,
            created_ms INTEGER NOT NULL, used_ms INTEGER) STRICT""",
        """CREATE TABLE spoilt (
            id INTEGER PRIMARY KEY AUTOINCREMENT, how TEXT NOT NULL, errcode INTEGER NOT NULL, seconds REAL NOT NULL,
            times_left INTEGER NOT NULL) STRICT""",
    ),
    (
        """CREATE TABLE keys (
            id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value TEXT NOT NULL UNIQUE, app_id TEXT NOT NULL,
            ends_ms INTEGER NOT NULL, made_ms INTEGER NOT NULL) STRICT""",
        """CREATE TABLE asked (kind TEXT NOT NULL PRIMARY KEY, times INTEGER NOT NULL) STRICT""",
        """CREATE TABLE quota (kind TEXT NOT NULL PRIMARY KEY, times_left INTEGER NOT NULL) STRICT""",
        """CREATE TABLE shares (
            id INTEGER PRIMARY KEY AUTOINCREMENT, to_whom TEXT NOT NULL, page TEXT NOT NULL, title TEXT NOT NULL,
            text TEXT NOT NULL, link TEXT NOT NULL, picture TEXT NOT NULL) STRICT""",
    ),
)


@dataclass(frozen=True)
class SandboxApp:
    """An application: its number and secret, the name that people read, and the only domain it may send them back to.

    `kind`: an Official Account, whose pages are opened inside WeChat, or a website.
    """

    id: str
    secret: str
    name_zh: str
    name_en: str
    domain: str
    kind: Literal["account", "website"]


class WechatSandbox:
    """What the handlers of a sandbox share. `path` is its books, one SQLite file, which several processes may open."""

    def __init__(self, path: Path, apps: tuple[SandboxApp, ...], *, now: Callable[[], datetime] = clock.now) -> None:
        self.apps = {app.id: app for app in apps}
        self.ledger = Ledger(path, _STEPS)
        self._now = now
        self._stopping = asyncio.Event()

    def now_ms(self) -> int:
        """The sandbox's own time, in milliseconds since 1970."""
        return rules.to_ms(self._now())

    async def hang(self, seconds: float) -> None:
        """Let a caller wait on purpose; a sandbox that stops does not keep it any longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Close the books at the end."""
        self._stopping.clear()
        try:
            yield
        finally:
            self._stopping.set()
            await self.ledger.close()


def app_secret(duoline_secret: str, app_id: str) -> str:
    """The secret of an application of the development sandbox, made from the installation's own."""
    return hmac.new(duoline_secret.encode(), f"wechat sandbox:{app_id}".encode(), hashlib.sha256).hexdigest()[:32]
