"""Who this installation asks outside: the gateway for messages, the payment provider, WeChat."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from duoline.channels.http.app import Parts
from duoline.entry import messages, payments, wechat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Litestar

    from duoline.kernel.config import Settings


def connect(settings: Settings) -> None:
    """Make all of them known to flows and jobs. Called once in every process that may ask them."""
    messages.connect(settings)
    payments.connect(settings)
    wechat.connect(settings)


def parts(settings: Settings) -> list[Parts]:
    """What they add to the application, which knows them from its start on."""

    @asynccontextmanager
    async def connected(_app: Litestar) -> AsyncIterator[None]:
        connect(settings)
        yield

    return [Parts(lifespan=[connected]), messages.parts(settings), payments.parts(settings), wechat.parts(settings)]
