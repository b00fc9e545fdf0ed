"""Text messages through any gateway: each is posted to one address of the shop's choosing, signed.

What receives it (a few lines at the gateway's side, or the gateway itself) knows the approved template and the
account; Duoline knows neither. The request, with a body such as

    {"id": "…", "phone": "+8613800138000", "template": "login_code", "fields": {"code": "…", "minutes": "5"},
     "locale": "zh"}

carries `Duoline-Signature: t=<seconds since 1970>,v1=<hex>`, where v1 is HMAC-SHA256 with DUOLINE_SMS_SECRET over
`<t>.<body>`, and the message's id as `Idempotency-Key`: a message that is sent again has the same. Any 2xx means
taken on; 408, 429 and 5xx are tried again where the message may come twice, and every other answer is final. The
templates and their fields are listed in `members.sms.SmsTemplate`.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

import httpx
import msgspec

from duoline.kernel import clock
from duoline.kernel.errors import Unavailable
from duoline.members.sms import MessageRefused

if TYPE_CHECKING:
    from duoline.members.sms import SmsMessage

CONNECT_S = 3.0
DEADLINE_S = 8.0
_AGAIN = frozenset({408, 425, 429})
_REFUSED = range(300, 500)


class SmsWebhook:
    """An `SmsSender` that posts to an address."""

    def __init__(self, url: str, secret: str, *, deadline_s: float = DEADLINE_S) -> None:
        self._url, self._secret, self._deadline_s = url, secret.encode(), deadline_s

    async def send(self, message: SmsMessage) -> None:
        """See `SmsSender.send`. The answer's body is not read, and no redirection is followed."""
        body = msgspec.json.encode(message)
        headers = {
            "content-type": "application/json",
            "idempotency-key": message.id,
            "duoline-signature": signature(body, secret=self._secret, at_s=int(clock.now().timestamp())),
        }
        timeout = httpx.Timeout(self._deadline_s, connect=min(CONNECT_S, self._deadline_s))
        try:
            # The library's time is for each step of a call; this one is for all of it.
            async with (
                asyncio.timeout(self._deadline_s),
                httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as http,
                http.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"the gateway for text messages does not answer: {type(error).__name__}") from error
        if status in _REFUSED and status not in _AGAIN:
            raise MessageRefused(f"the gateway for text messages answered {status}")
        if not httpx.codes.is_success(status):
            raise Unavailable(f"the gateway for text messages answered {status}")


def signature(body: bytes, *, secret: bytes, at_s: int) -> str:
    """The value of the header that proves who sent a body and when."""
    digest = hmac.new(secret, f"{at_s}.".encode() + body, "sha256").hexdigest()
    return f"t={at_s},v1={digest}"
