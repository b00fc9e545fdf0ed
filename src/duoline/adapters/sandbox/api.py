"""The merchant API: the calls a shop makes. Every request and every answer is signed (see gate.py)."""

from datetime import date
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath

from duoline.adapters.sandbox import gate, payments, refunds, settlement, transfers
from duoline.adapters.sandbox.books import Books
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.faults import Operation
from duoline.adapters.sandbox.payments import ChargeRequest, OpenRequest
from duoline.adapters.sandbox.provider import Provider
from duoline.adapters.sandbox.refunds import RefundRequest
from duoline.adapters.sandbox.transfers import TransferRequest

Asked = Request[Any, Any, Any]


def routes(provider: Provider) -> Router:
    """The merchant API of one provider, under /v1."""
    public_url = provider.settings.public_url

    def payment_of(books: Books, merchant_id: str, out_trade_no: str) -> Any:
        payment = payments.find(books, merchant_id, out_trade_no)
        if payment is None:
            raise Refused("not_found", 404, "There is no such payment.")
        return payment

    @post("/payments")
    async def open_payment(request: Asked) -> Response[bytes]:
        def call(books: Books, merchant_id: str, body: bytes) -> object:
            wanted = gate.decoded(body, OpenRequest)
            return payments.as_json(payments.open_payment(books, merchant_id, wanted), public_url)

        return await gate.answer(provider, request, Operation.OPEN, call)

    @post("/code-payments")
    async def charge_code(request: Asked) -> Response[bytes]:
        def call(books: Books, merchant_id: str, body: bytes) -> object:
            wanted = gate.decoded(body, ChargeRequest)
            return payments.as_json(payments.charge(books, merchant_id, wanted), public_url)

        return await gate.answer(provider, request, Operation.CHARGE, call)

    @get("/payments/{out_trade_no:str}")
    async def query_payment(request: Asked, out_trade_no: FromPath[str]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            return payments.as_json(payment_of(books, merchant_id, out_trade_no), public_url)

        return await gate.answer(provider, request, Operation.QUERY, call)

    @post("/payments/{out_trade_no:str}/close")
    async def close_payment(request: Asked, out_trade_no: FromPath[str]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            payment = payment_of(books, merchant_id, out_trade_no)
            return payments.as_json(payments.close(books, payment), public_url)

        return await gate.answer(provider, request, Operation.CLOSE, call)

    @post("/refunds")
    async def create_refund(request: Asked) -> Response[bytes]:
        def call(books: Books, merchant_id: str, body: bytes) -> object:
            return refunds.as_json(refunds.refund(books, merchant_id, gate.decoded(body, RefundRequest)))

        return await gate.answer(provider, request, Operation.REFUND, call)

    @get("/refunds/{out_refund_no:str}")
    async def query_refund(request: Asked, out_refund_no: FromPath[str]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            refund = refunds.find(books, merchant_id, out_refund_no)
            if refund is None:
                raise Refused("not_found", 404, "There is no such refund.")
            return refunds.as_json(refund)

        return await gate.answer(provider, request, Operation.QUERY_REFUND, call)

    @post("/transfers")
    async def create_transfer(request: Asked) -> Response[bytes]:
        def call(books: Books, merchant_id: str, body: bytes) -> object:
            return transfers.as_json(transfers.transfer(books, merchant_id, gate.decoded(body, TransferRequest)))

        return await gate.answer(provider, request, Operation.TRANSFER, call)

    @get("/transfers/{out_transfer_no:str}")
    async def query_transfer(request: Asked, out_transfer_no: FromPath[str]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            transfer = transfers.look_up(books, merchant_id, out_transfer_no)
            if transfer is None:
                raise Refused("not_found", 404, "There is no such transfer.")
            return transfer

        return await gate.answer(provider, request, Operation.QUERY_TRANSFER, call)

    @post("/transfers/{out_transfer_no:str}/close")
    async def close_transfer(request: Asked, out_transfer_no: FromPath[str]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            return transfers.close(books, merchant_id, out_transfer_no)

        return await gate.answer(provider, request, Operation.CLOSE_TRANSFER, call)

    @get("/settlements/{on:date}")
    async def settlement_file(request: Asked, on: FromPath[date]) -> Response[bytes]:
        def call(books: Books, merchant_id: str, _body: bytes) -> object:
            return settlement.settlement_file(books, merchant_id, on)

        return await gate.answer(provider, request, Operation.SETTLEMENT, call)

    return Router(
        "/v1",
        route_handlers=[
            open_payment,
            charge_code,
            query_payment,
            close_payment,
            create_refund,
            query_refund,
            create_transfer,
            query_transfer,
            close_transfer,
            settlement_file,
        ],
    )
