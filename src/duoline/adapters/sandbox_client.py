"""Duoline's side of the sandbox provider: signed calls out, verified callbacks in.

Every call is made under a number that was stored before (`ref`, `refund_ref`, `transfer_ref`), which the
provider answers the same way however often it is asked; so every call may be repeated, and is, a bounded
number of times, when no answer came. What remains uncertain then is `Unavailable`: the payment stays as it
is and is settled by a callback or a query, never by a guess.
"""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import random
import re
import secrets
import ssl
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Self, TypeVar

import httpx
import msgspec

from duoline.adapters.sandbox import signing
from duoline.adapters.sandbox.signing import Credentials
from duoline.kernel import clock
from duoline.kernel.errors import Unavailable, ensure
from duoline.payments.provider import (
    AlreadyPaid,
    AmountDiffers,
    BadCallback,
    BalanceTooSmall,
    CodeExpired,
    CodeUnknown,
    CodeUsed,
    EventKind,
    NotEnoughMoney,
    NotPaid,
    OpenedPayment,
    PaymentEvent,
    PaymentState,
    PaymentStatus,
    ProviderRefused,
    ReceiverUnknown,
    RefundState,
    RefundStatus,
    RefundTooLarge,
    SettlementLine,
    TransferState,
    TransferStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from duoline.kernel.errors import Refusal

log = logging.getLogger("duoline.payments.sandbox")

T = TypeVar("T")
CALLBACK_BYTES_MAX = 64 * 1024
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
NONCES_KEPT = 20_000


@dataclass(frozen=True)
class Patience:
    """How long and how often one call is tried. The deadline is over all tries and pauses together."""

    tries: int = 3
    connect_s: float = 2.0
    answer_s: float = 4.0
    deadline_s: float = 8.0
    pause_s: float = 0.15  # doubled before each further try, and drawn between half and the whole


class _Payment(msgspec.Struct, frozen=True, kw_only=True):
    out_trade_no: str
    provider_ref: str
    state: PaymentStatus
    amount_minor: int
    refunded_minor: int
    currency: str
    payer: str | None = None
    pay_url: str
    paid_at: datetime | None
    closed_at: datetime | None


class _Refund(msgspec.Struct, frozen=True, kw_only=True):
    out_refund_no: str
    out_trade_no: str
    provider_ref: str
    state: RefundStatus
    amount_minor: int
    currency: str
    settled_at: datetime | None


class _Transfer(msgspec.Struct, frozen=True, kw_only=True):
    out_transfer_no: str
    provider_ref: str
    state: TransferStatus
    amount_minor: int
    currency: str
    problem: str
    settled_at: datetime | None


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    message: str = ""
    refundable_minor: int | None = None


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    event_id: str
    kind: EventKind
    merchant_id: str
    out_trade_no: str
    out_refund_no: str | None
    provider_ref: str
    amount_minor: int
    currency: str
    payer: str | None = None  # not in a notice of a refund, nor in one that was queued before there were any
    occurred_at: datetime


class _Refused(Exception):
    """The provider's own refusal, verified, before it is turned into ours."""

    def __init__(self, problem: _Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class SandboxClient:
    """A `PaymentProvider`, `TransferProvider` and `SettlementSource` for one merchant of a sandbox provider.

    `base_url` is where the provider answers us (`http://127.0.0.1:8000/sandbox`). Use it as an async
    context manager, or call `close` at the end.
    """

    name = "sandbox"

    def __init__(
        self,
        *,
        base_url: str,
        merchant_id: str,
        secret: str,
        patience: Patience | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.merchant_id = merchant_id
        self._base_url = base_url.rstrip("/")
        self._secret = secret
        self._patience = patience or Patience()
        self._now = now
        self._nonces = _Nonces()
        # Loading the root certificates costs memory and time that a plain-http address has no use for;
        # the empty context trusts nobody.
        trust = (
            ssl.create_default_context() if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(self._patience.answer_s, connect=self._patience.connect_s),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=10),
            follow_redirects=False,
            trust_env=False,
            verify=trust,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def open_payment(
        self,
        ref: str,
        *,
        amount_minor: int,
        currency: str,
        subject: str,
        notify_url: str,
        return_url: str,
        expires_at: datetime,
    ) -> OpenedPayment:
        """See `PaymentProvider.open_payment`."""
        wanted = {
            "out_trade_no": _number(ref),
            "amount_minor": amount_minor,
            "currency": currency,
            "subject": subject,
            "notify_url": notify_url,
            "return_url": return_url,
            "expires_at": expires_at,
        }
        try:
            payment = await self._ask("POST", "/v1/payments", _Payment, wanted)
        except _Refused as refused:
            raise _refusal(refused.problem, ref=ref) from refused
        return OpenedPayment(provider_ref=payment.provider_ref, pay_url=payment.pay_url, status=payment.state)

    async def charge_code(
        self,
        ref: str,
        *,
        auth_code: str,
        amount_minor: int,
        currency: str,
        subject: str,
        notify_url: str,
        expires_at: datetime,
    ) -> PaymentState:
        """See `PaymentProvider.charge_code`."""
        wanted = {
            "out_trade_no": _number(ref),
            "auth_code": auth_code,
            "amount_minor": amount_minor,
            "currency": currency,
            "subject": subject,
            "notify_url": notify_url,
            "expires_at": expires_at,
        }
        return await self._payment("POST", "/v1/code-payments", ref, wanted)

    async def query_payment(self, ref: str) -> PaymentState:
        """See `PaymentProvider.query_payment`."""
        return await self._payment("GET", f"/v1/payments/{_number(ref)}", ref)

    async def close_payment(self, ref: str) -> PaymentState:
        """See `PaymentProvider.close_payment`."""
        return await self._payment("POST", f"/v1/payments/{_number(ref)}/close", ref)

    async def refund(self, ref: str, *, refund_ref: str, amount_minor: int, currency: str, reason: str) -> RefundState:
        """See `PaymentProvider.refund`."""
        wanted = {
            "out_trade_no": _number(ref),
            "out_refund_no": _number(refund_ref),
            "amount_minor": amount_minor,
            "currency": currency,
            "reason": reason[:200],
        }
        try:
            return _refund_state(await self._ask("POST", "/v1/refunds", _Refund, wanted))
        except _Refused as refused:
            raise _refusal(refused.problem, ref=ref, refund_ref=refund_ref) from refused

    async def query_refund(self, refund_ref: str) -> RefundState:
        """See `PaymentProvider.query_refund`."""
        try:
            return _refund_state(await self._ask("GET", f"/v1/refunds/{_number(refund_ref)}", _Refund))
        except _Refused as refused:
            if refused.problem.code == "not_found":
                return RefundState(refund_ref=refund_ref, status=RefundStatus.ABSENT)
            raise _refusal(refused.problem, refund_ref=refund_ref) from refused

    async def transfer(
        self, transfer_ref: str, *, receiver: str, amount_minor: int, currency: str, note: str
    ) -> TransferState:
        """See `TransferProvider.transfer`."""
        wanted = {
            "out_transfer_no": _number(transfer_ref),
            "receiver": receiver,
            "amount_minor": amount_minor,
            "currency": currency,
            "note": note[:200],
        }
        try:
            return _transfer_state(await self._ask("POST", "/v1/transfers", _Transfer, wanted))
        except _Refused as refused:
            raise _refusal(refused.problem, transfer_ref=transfer_ref) from refused

    async def close_transfer(self, transfer_ref: str) -> TransferState:
        """See `TransferProvider.close_transfer`."""
        try:
            return _transfer_state(await self._ask("POST", f"/v1/transfers/{_number(transfer_ref)}/close", _Transfer))
        except _Refused as refused:
            raise _refusal(refused.problem, transfer_ref=transfer_ref) from refused

    async def query_transfer(self, transfer_ref: str) -> TransferState:
        """See `TransferProvider.query_transfer`."""
        try:
            return _transfer_state(await self._ask("GET", f"/v1/transfers/{_number(transfer_ref)}", _Transfer))
        except _Refused as refused:
            if refused.problem.code == "not_found":
                return TransferState(transfer_ref=transfer_ref, status=TransferStatus.ABSENT)
            raise _refusal(refused.problem, transfer_ref=transfer_ref) from refused

    async def settlement(self, on: date) -> list[SettlementLine]:
        """See `SettlementSource.settlement`. Days are those of Asia/Shanghai."""
        try:
            body = await self._call("GET", f"/v1/settlements/{on.isoformat()}", b"")
        except _Refused as refused:
            raise _refusal(refused.problem) from refused
        try:
            return [_settlement_line(row) for row in csv.DictReader(io.StringIO(body.decode()))]
        except (KeyError, ValueError) as error:
            raise self._unavailable("a settlement file that cannot be read") from error

    def parse_callback(self, headers: Mapping[str, str], raw_body: bytes) -> PaymentEvent:
        """See `PaymentProvider.parse_callback`.

        Checks, in this order: form, merchant, time (within 5 minutes), signature, a nonce this process has
        not seen, content. The memory of nonces is one process's; a replay that reaches another one carries
        an event id that is known by then, which the caller checks in its own transaction.
        """
        try:
            return self._verified(headers, raw_body)
        except BadCallback as refusal:
            log.warning("payment callback refused", extra={"reason": refusal.fields["reason"]})
            raise

    def _verified(self, headers: Mapping[str, str], raw_body: bytes) -> PaymentEvent:
        given = {name.lower(): value for name, value in headers.items()}
        merchant_id = given.get(signing.MERCHANT_HEADER.lower(), "")
        timestamp = signing.parse_timestamp(given.get(signing.TIMESTAMP_HEADER.lower(), ""))
        nonce = given.get(signing.NONCE_HEADER.lower(), "")
        if timestamp is None or not nonce or len(raw_body) > CALLBACK_BYTES_MAX:
            raise BadCallback(reason="form")
        if merchant_id != self.merchant_id:
            raise BadCallback(reason="merchant")
        now_s = self._now().timestamp()
        if not signing.fresh(timestamp, now_s):
            raise BadCallback(reason="timestamp")
        text = signing.callback_text(merchant_id, timestamp, nonce, raw_body)
        if not signing.matches(self._secret, text, given.get(signing.SIGNATURE_HEADER.lower(), "")):
            raise BadCallback(reason="signature")
        if not self._nonces.new(nonce, now_s):
            raise BadCallback(reason="nonce")
        try:
            event = msgspec.json.decode(raw_body, type=_Event)
        except msgspec.DecodeError as error:
            raise BadCallback(reason="content") from error
        if event.merchant_id != self.merchant_id:
            raise BadCallback(reason="merchant")
        return PaymentEvent(
            event_id=event.event_id,
            kind=event.kind,
            ref=event.out_trade_no,
            refund_ref=event.out_refund_no,
            amount_minor=event.amount_minor,
            currency=event.currency,
            occurred_at=event.occurred_at,
            provider_ref=event.provider_ref,
            payer=event.payer,
        )

    async def _payment(self, method: str, path: str, ref: str, content: object = None) -> PaymentState:
        try:
            payment = await self._ask(method, path, _Payment, content)
        except _Refused as refused:
            if refused.problem.code == "not_found":
                return PaymentState(ref=ref, status=PaymentStatus.ABSENT)
            raise _refusal(refused.problem, ref=ref) from refused
        return PaymentState(
            ref=payment.out_trade_no,
            status=payment.state,
            provider_ref=payment.provider_ref,
            amount_minor=payment.amount_minor,
            refunded_minor=payment.refunded_minor,
            currency=payment.currency,
            payer=payment.payer,
            paid_at=payment.paid_at,
            closed_at=payment.closed_at,
        )

    async def _ask(self, method: str, path: str, kind: type[T], content: object = None) -> T:
        """Call and decode. Raises `_Refused`, or `Unavailable` for everything that is no verified answer."""
        body = b"" if content is None else msgspec.json.encode(content)
        answer = await self._call(method, path, body)
        try:
            return msgspec.json.decode(answer, type=kind)
        except msgspec.DecodeError as error:
            raise self._unavailable("an answer that cannot be read") from error

    async def _call(self, method: str, path: str, body: bytes) -> bytes:
        """Call until there is a verified answer, the tries are used up, or the deadline passes."""
        patience = self._patience
        last = "no answer in time"
        try:
            async with asyncio.timeout(patience.deadline_s):
                for n in range(patience.tries):
                    if n:
                        await asyncio.sleep(patience.pause_s * 2 ** (n - 1) * random.uniform(0.5, 1.0))  # noqa: S311
                    try:
                        async with asyncio.timeout(patience.answer_s):
                            answer, nonce = await self._send(method, path, body)
                    except TimeoutError:
                        last = "no answer in time"
                        continue
                    except (httpx.HTTPError, OSError) as error:
                        last = type(error).__name__
                        continue
                    if answer.status_code >= 500 or answer.status_code == 429:
                        last = f"status {answer.status_code}"
                        continue
                    return self._content(answer, nonce)
        except TimeoutError:
            pass
        raise self._unavailable(last)

    async def _send(self, method: str, path: str, body: bytes) -> tuple[httpx.Response, str]:
        """One try, signed anew: the provider takes no nonce twice."""
        timestamp, nonce = int(self._now().timestamp()), secrets.token_urlsafe(24)
        text = signing.request_text(method, path, timestamp, nonce, body)
        credentials = Credentials(self.merchant_id, timestamp, nonce, signing.sign(self._secret, text))
        headers = {"authorization": signing.authorization(credentials), "content-type": "application/json"}
        answer = await self._http.request(method, self._base_url + path, content=body, headers=headers)
        return answer, nonce

    def _content(self, answer: httpx.Response, nonce: str) -> bytes:
        """The body of an answer that is the provider's own, to this very request."""
        timestamp = signing.parse_timestamp(answer.headers.get(signing.TIMESTAMP_HEADER, ""))
        signature = answer.headers.get(signing.SIGNATURE_HEADER, "")
        if timestamp is None:
            # Nobody signs "you are not my merchant": our clock, secret or address is wrong.
            raise self._unavailable(f"status {answer.status_code}, not signed", retry_after_s=60)
        text = signing.answer_text(answer.status_code, timestamp, nonce, answer.content)
        if not signing.matches(self._secret, text, signature):
            raise self._unavailable("an answer with a wrong signature")
        if answer.status_code == 200:
            return answer.content
        try:
            problem = msgspec.json.decode(answer.content, type=_Problem)
        except msgspec.DecodeError as error:
            raise self._unavailable("a refusal that cannot be read") from error
        raise _Refused(problem)

    def _unavailable(self, why: str, *, retry_after_s: int = 5) -> Unavailable:
        log.warning("the sandbox provider gave no usable answer", extra={"why": why})
        return Unavailable(f"payment provider {self.name}: {why}", retry_after_s=retry_after_s)


class _Nonces:
    """The nonces of callbacks that were verified lately, bounded in time and number."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()

    def new(self, nonce: str, now_s: float) -> bool:
        """Remember a nonce; False when it was here before."""
        while self._seen:
            oldest, at_s = next(iter(self._seen.items()))
            if now_s - at_s <= 2 * signing.TOLERANCE_S and len(self._seen) < NONCES_KEPT:
                break
            del self._seen[oldest]
        if nonce in self._seen:
            return False
        self._seen[nonce] = now_s
        return True


def _number(ref: str) -> str:
    """A number as providers take it: up to 64 letters, digits, `-` and `_`. Anything else is a bug of ours."""
    ensure(NUMBER.fullmatch(ref), "PAY-REF", f"{ref!r} is no payment number")
    return ref


_REFUSALS: dict[str, type[Refusal]] = {
    "amount_differs": AmountDiffers,
    "refund_differs": AmountDiffers,
    "already_paid": AlreadyPaid,
    "code_unknown": CodeUnknown,
    "code_used": CodeUsed,
    "code_expired": CodeExpired,
    "not_enough_money": NotEnoughMoney,
    "not_paid": NotPaid,
    "refund_exceeds": RefundTooLarge,
    "transfer_differs": AmountDiffers,
    "receiver_unknown": ReceiverUnknown,
    "balance_too_small": BalanceTooSmall,
}


def _refusal(problem: _Problem, **fields: str) -> Refusal:
    kind = _REFUSALS.get(problem.code, ProviderRefused)
    if problem.refundable_minor is not None:
        return kind(refundable_minor=problem.refundable_minor, **fields)
    if kind is ProviderRefused:
        return kind(provider_code=problem.code, provider_message=problem.message, **fields)
    return kind(**fields)


def _refund_state(refund: _Refund) -> RefundState:
    return RefundState(
        refund_ref=refund.out_refund_no,
        status=refund.state,
        ref=refund.out_trade_no,
        provider_ref=refund.provider_ref,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        settled_at=refund.settled_at,
    )


def _transfer_state(transfer: _Transfer) -> TransferState:
    return TransferState(
        transfer_ref=transfer.out_transfer_no,
        status=transfer.state,
        provider_ref=transfer.provider_ref,
        amount_minor=transfer.amount_minor,
        currency=transfer.currency,
        problem=transfer.problem,
        settled_at=transfer.settled_at,
    )


def _settlement_line(row: dict[str, str]) -> SettlementLine:
    return SettlementLine(
        kind=row["kind"],
        ref=row["out_trade_no"],
        refund_ref=row["out_refund_no"],
        provider_ref=row["provider_ref"],
        amount_minor=int(row["amount_minor"]),
        fee_minor=int(row["fee_minor"]),
        currency=row["currency"],
        at=datetime.fromisoformat(row["at"]).astimezone(UTC),
    )
