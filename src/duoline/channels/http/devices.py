"""Devices: a browser's own id, by a cookie that only we can make."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline.channels.http import sessions
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection

    from duoline.channels.http.answers import Header
    from duoline.kernel.config import Settings

COOKIE = "duoline_device"
LASTS_S = 365 * 24 * 3600
LENGTH = 32


def known(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> UUID | None:
    """The device of a request that has the cookie, else None."""
    text, _, proof = connection.cookies.get(COOKIE, "").partition(".")
    if len(text) == LENGTH and hmac.compare_digest(proof.encode(), _proof(text, settings).encode()):
        return UUID(text)
    return None


def new(settings: Settings) -> tuple[UUID, Header]:
    """A new device, and the cookie that says so."""
    device = new_id()
    token = f"{device.hex}.{_proof(device.hex, settings)}"
    return device, sessions.set_cookie(COOKIE, token, seconds=LASTS_S, settings=settings)


def _proof(text: str, settings: Settings) -> str:
    digest = hmac.digest(settings.secret.encode(), b"device\0" + text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
