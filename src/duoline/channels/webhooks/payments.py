"""Notices of payment providers."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, post

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer, answer
from duoline.flows import pay, top_up
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound, Unavailable
from duoline.payments import providers


class Received(msgspec.Struct):
    """What a provider wants to hear."""

    code: str = "SUCCESS"


@post("/api/payments/{provider:str}/callbacks", opt=doors.signed(provider=doors.SHARED), status_code=200)
async def receive(request: Request[Any, Any, Any], db: Database, provider: str) -> Answer[Received]:
    """Take a provider's notice: verified by its signature, compared with our own record, used once."""
    try:
        speaker = providers.named(provider)
    except Unavailable:
        raise NotFound from None
    event = speaker.parse_callback(dict(request.headers), await request.body())
    try:
        await pay.receive(db, provider, event)
    except pay.UnknownPayment:
        await top_up.receive(db, provider, event)  # of no order: of a wallet, or of nobody
    return answer(Received())


ROUTES = [receive]
