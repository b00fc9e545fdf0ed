"""The gate of the merchant API: verify, run once, answer, sign the answer; and fail when told to.

A request's nonce is written in the same transaction as its effect, also when it is refused, so that
nobody can replay it: not after a restart, not when the reason of a refusal has gone away.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from duoline.adapters.sandbox import signing
from duoline.adapters.sandbox.books import Books
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.faults import AnswerFault, How, Operation
from duoline.adapters.sandbox.provider import Provider
from duoline.adapters.sandbox.settings import Merchant
from duoline.adapters.sandbox.signing import Credentials

log = logging.getLogger("duoline.sandbox")

T = TypeVar("T")

# What a merchant's call does: (books, merchant's id, request body) -> a JSON value, or the text of a file.
Call = Callable[[Books, str, bytes], object]


@dataclass(frozen=True)
class Outcome:
    """The true answer to a call, and the fault that is to spoil it."""

    status: int
    body: bytes
    media_type: str
    fault: AnswerFault | None


async def answer(
    provider: Provider, request: Request[Any, Any, Any], operation: Operation, call: Call
) -> Response[bytes]:
    """Serve one signed request.

    Refused with 401 before `call` runs, in this order: a form, merchant or signature that is not right;
    a time that is not near ours; a nonce used before.
    """
    body = await request.body()
    try:
        merchant, credentials = _verified(provider, request, body)
        outcome = await provider.write(lambda books: _once(books, credentials, operation, call, body))
    except Refused as refusal:
        log.warning("sandbox refused a request: %s", refusal.code, extra={"operation": operation})
        return _plain(refusal.status, msgspec.json.encode(refusal.as_json()))
    how = outcome.fault.how if outcome.fault else None
    if outcome.fault is not None and how in (How.HANG_BEFORE, How.HANG_AFTER, How.SLOW):
        await provider.hang(outcome.fault.seconds)
    if how in (How.HANG_BEFORE, How.HANG_AFTER):
        return _plain(504, b"")
    if how in (How.ERROR_BEFORE, How.ERROR_AFTER):
        return _plain(500, b'{"code":"internal","message":"Something went wrong."}')
    return _signed(provider, merchant, credentials, outcome)


def decoded(body: bytes, kind: type[T]) -> T:
    """The content of a request. Refuses with 400 what cannot be read or breaks a limit."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Refused("bad_request", 400, str(error)) from error


def _verified(provider: Provider, request: Request[Any, Any, Any], body: bytes) -> tuple[Merchant, Credentials]:
    credentials = signing.parse_authorization(request.headers.get("authorization", ""))
    merchant = provider.merchants.get(credentials.merchant_id) if credentials else None
    if credentials is None or merchant is None:
        raise Refused("bad_signature", 401, "The request is not signed, or not by a merchant of ours.")
    query = request.scope.get("query_string", b"").decode("latin-1")
    target = request.scope["path"] + (f"?{query}" if query else "")
    text = signing.request_text(request.method, target, credentials.timestamp, credentials.nonce, body)
    if not signing.matches(merchant.secret, text, credentials.signature):
        raise Refused("bad_signature", 401, "The request is not signed, or not by a merchant of ours.")
    if not signing.fresh(credentials.timestamp, provider.now_ms() / 1000):
        raise Refused("stale_timestamp", 401, "The request was signed too long ago, or in the future.")
    return merchant, credentials


def _once(books: Books, credentials: Credentials, operation: Operation, call: Call, body: bytes) -> Outcome:
    new = books.run(
        "INSERT INTO nonces (merchant_id, nonce, at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        credentials.merchant_id,
        credentials.nonce,
        books.now_ms,
    )
    if not new:
        raise Refused("replayed_nonce", 401, "A request with this nonce was here before.")
    fault = _take_fault(books, operation)
    if fault is not None and fault.how.before:
        return Outcome(500, b"", "", fault)
    try:
        result = call(books, credentials.merchant_id, body)
    except Refused as refusal:
        return Outcome(refusal.status, msgspec.json.encode(refusal.as_json()), "application/json", fault)
    if isinstance(result, str):
        return Outcome(200, result.encode(), "text/csv; charset=utf-8", fault)
    return Outcome(200, msgspec.json.encode(result), "application/json", fault)


def _take_fault(books: Books, operation: Operation) -> AnswerFault | None:
    row = books.one("SELECT * FROM answer_faults WHERE operation = ? ORDER BY id LIMIT 1", operation)
    if row is None:
        return None
    if row["times_left"] > 1:
        books.run("UPDATE answer_faults SET times_left = times_left - 1 WHERE id = ?", row["id"])
    else:
        books.run("DELETE FROM answer_faults WHERE id = ?", row["id"])
    return AnswerFault(operation=operation, how=How(row["how"]), seconds=row["seconds"])


def _plain(status: int, body: bytes) -> Response[bytes]:
    return Response(body, status_code=status, media_type="application/json")


def _signed(provider: Provider, merchant: Merchant, credentials: Credentials, outcome: Outcome) -> Response[bytes]:
    timestamp = provider.now_ms() // 1000
    text = signing.answer_text(outcome.status, timestamp, credentials.nonce, outcome.body)
    signature = signing.sign(merchant.secret, text)
    if outcome.fault is not None and outcome.fault.how is How.GARBLED:
        signature = signature[::-1]
    return Response(
        outcome.body,
        status_code=outcome.status,
        media_type=outcome.media_type,
        headers={signing.TIMESTAMP_HEADER: str(timestamp), signing.SIGNATURE_HEADER: signature},
    )
