"""Where people reach this installation: the address that stands in links and codes."""

from __future__ import annotations

from typing import Any

from litestar import Request

from duoline.kernel.config import Settings


def front_of(request: Request[Any, Any, Any], settings: Settings) -> str:
    """The address of the pages, without a slash at its end. On a developer's machine under the name it was called by,
    or the session's cookie, which belongs to that name, is not sent."""
    host = request.headers.get("host", "")
    if settings.development and host.partition(":")[0] in ("localhost", "127.0.0.1"):
        return f"http://{host}"
    return settings.public_url


def notify_url(settings: Settings) -> str:
    """Where the payment provider tells what happened."""
    return f"{settings.public_url}/api/payments/sandbox/callbacks"
