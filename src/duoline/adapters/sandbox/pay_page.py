"""The page where the buyer pays, and where a developer chooses what goes wrong."""

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie, FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from duoline.adapters.sandbox import accounts, callbacks, payments
from duoline.adapters.sandbox.books import Books
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.faults import AfterCapture, Faults
from duoline.adapters.sandbox.pay_html import CSS, SLOW_REFUND_S, PayView, message_page, pay_page
from duoline.adapters.sandbox.pay_texts import language_of
from duoline.adapters.sandbox.provider import Provider

Asked = Request[Any, Any, Any]

ACCOUNT = "sandbox_account"
"""The cookie by which a browser stays the same payer: what a payment app on the phone is logged in as."""
REMEMBERED_S = 365 * 86_400

_STYLE = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()


def routes(provider: Provider) -> list[HTTPRouteHandler]:
    """The pay page of one provider: GET shows a payment, POST makes it."""

    @get("/pay/{ref:str}")
    async def show(request: Asked, ref: FromPath[str], lang: FromQuery[str | None] = None) -> Response[str]:
        language = language_of(request.headers.get("accept-language", ""), lang)
        account = _account_of(request)
        try:
            view = await provider.write(lambda books: _view(provider, books, ref, account))
        except Refused:
            return page(message_page("unknown", "unknown_hint", language, back_url=None), 404)
        return remember(page(pay_page(view, language), 200, return_url=view.payment["return_url"]), account)

    @post("/pay/{ref:str}")
    async def pay(request: Asked, ref: FromPath[str], lang: FromQuery[str | None] = None) -> Response[str]:
        language = language_of(request.headers.get("accept-language", ""), lang)
        form = await request.form()
        account = str(form.get("account") or _account_of(request))
        try:
            view = await provider.write(lambda books: _pay(provider, books, ref, form, account))
        except Refused:
            return page(message_page("unknown", "unknown_hint", language, back_url=None), 404)
        return_url = view.payment["return_url"]
        if view.payment["state"] != "paid":
            return page(pay_page(view, language), 422 if view.problem else 409, return_url=return_url)
        faults = view.faults or Faults()
        if faults.after_capture is AfterCapture.ANSWER:
            done = Response("", status_code=303, headers={"location": return_url, "cache-control": "no-store"})
            return remember(done, view.account)
        hangs = faults.after_capture is AfterCapture.HANG
        if hangs:
            await provider.hang(faults.hang_s)
        html = message_page("failed", "failed_hint", language, back_url=return_url)
        return page(html, 504 if hangs else 502, return_url=return_url)

    def remember(answer: Response[str], account: str) -> Response[str]:
        """Let this browser pay by the same account the next time. Only pages of the provider are told of it."""
        below = urlsplit(provider.settings.public_url).path or "/"
        cookie = Cookie(ACCOUNT, below, account, max_age=REMEMBERED_S, httponly=True, samesite="lax")
        answer.cookies.append(cookie)
        return answer

    return [show, pay]


def _account_of(request: Asked) -> str:
    """The account that this browser is logged in to; a new one, of its own, the first time."""
    kept = request.cookies.get(ACCOUNT, "")
    return kept if accounts.NAME.fullmatch(kept) else accounts.fresh()


def _view(provider: Provider, books: Books, ref: str, account: str, problem: str | None = None) -> PayView:
    payment = payments.by_ref(books, ref)
    if payment["provider_ref"] != ref:
        # The address of the page is the secret that lets its holder pay; a payment number is none.
        raise Refused("not_found", 404, "There is no such payment.")
    merchant = provider.merchants.get(payment["merchant_id"])
    panel = provider.settings.panel
    return PayView(
        payment=payment,
        merchant_zh=merchant.name_zh if merchant else payment["merchant_id"],
        merchant_en=merchant.name_en if merchant else payment["merchant_id"],
        faults=books.faults_of(payment) if panel else None,
        callbacks=callbacks.log(books, payment["id"], limit=20) if panel else (),
        now_ms=books.now_ms,
        account=account,
        problem=problem,
    )


def _pay(provider: Provider, books: Books, ref: str, form: FormMultiDict, account: str) -> PayView:
    """Capture, by the account and with the faults chosen on the page; a closed payment is left as it is, and so is one
    by what is no account."""
    view = _view(provider, books, ref, account)
    if view.payment["state"] != "open":
        return view
    try:
        account = accounts.named(account)
    except Refused as refused:
        return _view(provider, books, ref, account, problem=refused.code)
    if view.faults is not None and form.get("panel") == "1":
        chosen = _chosen(form, view.faults)
        if chosen != view.faults:
            payments.choose_faults(books, view.payment, chosen)
    payments.pay(books, ref, account=account)
    return _view(provider, books, ref, account)


def _chosen(form: FormMultiDict, before: Faults) -> Faults:
    """The panel's fields as faults; a field that makes no sense keeps what was chosen before."""
    callback, refund = form.get("callback"), form.get("refund")
    wanted = {
        "delay_s": form.get("delay_s") if callback == "late" else 0,
        "repeat": form.get("repeat") or 0,
        "lose": callback == "lost",
        "out_of_order": form.get("out_of_order") == "1",
        "forge": form.getall("forge", []),
        "after_capture": form.get("after_capture") or before.after_capture,
        "hang_s": before.hang_s,
        "refund_outcome": "failed" if refund == "failed" else "done",
        "refund_delay_s": SLOW_REFUND_S if refund == "slow" else 0,
    }
    try:
        return msgspec.convert(wanted, Faults, strict=False)
    except msgspec.ValidationError:
        return before


def page(html: str, status: int, *, return_url: str = "") -> Response[str]:
    """An answer that is a page: no script, no foreign style, no frame around it."""
    parts = urlsplit(return_url)
    # Browsers hold the redirect after a form against form-action too, so the shop's own host is named.
    shop = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    policy = f"default-src 'none'; style-src 'sha256-{_STYLE}'; form-action 'self'{shop}; base-uri 'none'"
    return Response(
        html,
        status_code=status,
        media_type="text/html",
        headers={
            "content-security-policy": policy + "; frame-ancestors 'none'",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        },
    )
