"""The wallet: the page that stands for the customer's phone. It shows a code to pay by, and asks above a limit."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from duoline.adapters.sandbox import accounts, payments, transfers, wallets
from duoline.adapters.sandbox.books import Books
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.pay_page import page
from duoline.adapters.sandbox.pay_texts import language_of
from duoline.adapters.sandbox.provider import Provider
from duoline.adapters.sandbox.wallet_html import WalletView, wallet_page

Asked = Request[Any, Any, Any]


def routes(provider: Provider) -> list[HTTPRouteHandler]:
    """The wallets of one provider: GET shows one, POST says yes or no to a payment that it was asked for."""

    @get("/wallet")
    async def show(request: Asked, w: FromQuery[str] = "1", lang: FromQuery[str | None] = None) -> Response[str]:
        language = language_of(request.headers.get("accept-language", ""), lang)
        view = await provider.write(lambda books: _view(books, _name(w)))
        return page(wallet_page(view, language), 200)

    @post("/wallet")
    async def answer(request: Asked, w: FromQuery[str] = "1", lang: FromQuery[str | None] = None) -> Response[str]:
        language = language_of(request.headers.get("accept-language", ""), lang)
        form = await request.form()
        ref, yes = str(form.get("ref", "")), form.get("answer") == "yes"
        try:
            await provider.write(lambda books: _answer(books, _name(w), ref, yes=yes))
        except Refused as refused:
            problem = refused.code
            view = await provider.write(lambda books: _view(books, _name(w), problem))
            return page(wallet_page(view, language), refused.status)
        return Response("", status_code=303, headers={"location": f"?w={_name(w)}&lang={language}"})

    return [show, answer]


def _name(text: str) -> str:
    return text if accounts.NAME.fullmatch(text) else "1"


def _view(books: Books, name: str, problem: str | None = None) -> WalletView:
    payments.expire_due(books)
    transfers.settle_due(books)
    own = wallets.wallet(books, name)
    return WalletView(
        name=name,
        balance_minor=own["balance_minor"],
        code=wallets.code_to_show(books, own["id"]),
        payments=wallets.payments_of(books, own["id"]),
        received=transfers.received(books, own["id"]),
        problem=problem,
    )


def _answer(books: Books, name: str, ref: str, *, yes: bool) -> None:
    """The payer says yes or no. Refuses a payment of another wallet as absent, and one that is over."""
    own, payment = wallets.wallet(books, name), payments.by_ref(books, ref)
    if payment["wallet_id"] != own["id"] or payment["provider_ref"] != ref:
        raise Refused("not_found", 404, "There is no such payment.")
    if yes:
        payments.pay(books, ref)
    else:
        payments.close(books, payment)
