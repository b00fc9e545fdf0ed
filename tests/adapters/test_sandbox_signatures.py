"""Nobody moves money without a fresh, true signature: the merchant API against forgers."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from duoline.adapters.sandbox import signing
from duoline.adapters.sandbox.signing import Credentials
from duoline.payments.provider import PaymentStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from duoline.adapters.sandbox_client import SandboxClient

PATH = "/v1/payments"


def asked(ref: str) -> bytes:
    """A request to open a payment."""
    return msgspec.json.encode(
        {
            "out_trade_no": ref,
            "amount_minor": 1990,
            "currency": "CNY",
            "subject": "order",
            "notify_url": "http://127.0.0.1:9/",
            "return_url": "/",
            "expires_at": "2099-01-01T00:00:00Z",
        }
    )


def header(body: bytes, **changes: Any) -> str:
    """A right Authorization header, but for the changes."""
    given: dict[str, Any] = {
        "method": "POST",
        "target": PATH,
        "merchant_id": "shop",
        "timestamp": int(time.time()),
        "nonce": secrets.token_urlsafe(24),
        "secret": "a-secret-of-the-shop",
        "text": signing.request_text,
    } | changes
    if given["text"] is signing.request_text:
        text = signing.request_text(given["method"], given["target"], given["timestamp"], given["nonce"], body)
    else:
        text = given["text"](given["timestamp"], given["nonce"], body)
    signature = signing.sign(given["secret"], text)
    return signing.authorization(Credentials(given["merchant_id"], given["timestamp"], given["nonce"], signature))


async def send(kit: Any, url: str, body: bytes, authorization: str) -> httpx.Response:
    """POST a signed request."""
    async with kit.web() as http:
        headers = {"authorization": authorization, "content-type": "application/json"}
        answer: httpx.Response = await http.post(url + PATH, content=body, headers=headers)
        return answer


FORGERIES: dict[str, Callable[[bytes], str]] = {
    "bad_signature: no header": lambda _body: "",
    "bad_signature: another secret": lambda body: header(body, secret="guessed"),
    "bad_signature: another merchant's secret": lambda body: header(body, secret="a-secret-of-another-shop"),
    "bad_signature: unknown merchant": lambda body: header(body, merchant_id="nobody"),
    "bad_signature: another body": lambda body: header(body + b" "),
    "bad_signature: another method": lambda body: header(body, method="GET"),
    "bad_signature: another path": lambda body: header(body, target="/v1/refunds"),
    "bad_signature: a query added": lambda body: header(body, target=PATH + "?x=1"),
    "bad_signature: a callback's": lambda body: header(
        body, text=lambda at, nonce, content: signing.callback_text("shop", at, nonce, content)
    ),
    "bad_signature: an answer's": lambda body: header(
        body, text=lambda at, nonce, content: signing.answer_text(200, at, nonce, content)
    ),
    "stale_timestamp: too old": lambda body: header(body, timestamp=int(time.time()) - 301),
    "stale_timestamp: too new": lambda body: header(body, timestamp=int(time.time()) + 302),
}


@pytest.mark.parametrize("what", FORGERIES)
async def test_a_forged_request_is_refused_and_changes_nothing(
    provider: Any, client: SandboxClient, ref: str, kit: Any, what: str
) -> None:
    body = asked(ref)
    answer = await send(kit, provider.url, body, FORGERIES[what](body))
    assert (answer.status_code, answer.json()["code"]) == (401, what.split(":")[0])
    assert (await client.query_payment(ref)).status is PaymentStatus.ABSENT


async def test_a_true_request_passes(provider: Any, client: SandboxClient, ref: str, kit: Any) -> None:
    body = asked(ref)
    answer = await send(kit, provider.url, body, header(body))
    assert answer.status_code == 200
    assert (await client.query_payment(ref)).status is PaymentStatus.OPEN


async def test_a_request_cannot_be_replayed_even_after_a_restart(own_provider: Any, ref: str, kit: Any) -> None:
    own_provider.start()
    body = asked(ref)
    authorization = header(body)
    assert (await send(kit, own_provider.url, body, authorization)).status_code == 200
    own_provider.kill()
    own_provider.start()
    for _ in range(2):
        replayed = await send(kit, own_provider.url, body, authorization)
        assert (replayed.status_code, replayed.json()["code"]) == (401, "replayed_nonce")


async def test_a_refused_request_cannot_be_replayed_when_the_reason_is_gone(
    provider: Any, client: SandboxClient, ref: str, kit: Any
) -> None:
    await kit.open_payment(client, ref, "http://127.0.0.1:9/", amount_minor=1000)
    await provider.control("pay", ref=ref)
    for part in ("a", "b"):
        await provider.control("faults", ref=ref, faults={"refund_delay_s": 86_400})
        await client.refund(ref, refund_ref=f"{ref}-{part}", amount_minor=500, currency="CNY", reason="")
    body = msgspec.json.encode(
        {"out_trade_no": ref, "out_refund_no": f"{ref}-c", "amount_minor": 500, "currency": "CNY", "reason": ""}
    )
    authorization = header(body, target="/v1/refunds")
    async with kit.web() as http:
        headers = {"authorization": authorization}
        refused = await http.post(provider.url + "/v1/refunds", content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "refund_exceeds")
        await provider.control("settle_refund", out_refund_no=f"{ref}-a", outcome="failed")
        replayed = await http.post(provider.url + "/v1/refunds", content=body, headers=headers)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "replayed_nonce")
    assert (await client.query_payment(ref)).refunded_minor == 500


async def test_a_huge_request_is_refused_unread(provider: Any, kit: Any) -> None:
    body = b"x" * 70_000
    answer = await send(kit, provider.url, body, header(body))
    assert answer.status_code == 413


async def test_control_takes_json_only(provider: Any, kit: Any) -> None:
    """So that a page of another site, which can send a form or plain text, cannot use it."""
    async with kit.web() as http:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = await http.post(
                f"{provider.url}/control", content=b'{"do":"reset"}', headers={"content-type": kind}
            )
            assert 400 <= answer.status_code < 500, (kind, answer.status_code)
        for body in ({"do": "nothing"}, {"do": "pay"}, {"do": "defaults", "faults": {"repeat": 21}}):
            assert (await http.post(f"{provider.url}/control", json=body)).status_code == 400
