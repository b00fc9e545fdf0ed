"""The page on which the owner of an account agrees, or not, and from which the browser goes back.

It checks what WeChat checks of a link, so that one that works here works there: the application, the domain to come
back to, the scope, the order of the parameters, and what may stand in a state.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from duoline.adapters.sandbox import accounts
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.pay_html import document
from duoline.adapters.sandbox.pay_page import REMEMBERED_S, page
from duoline.adapters.sandbox.pay_texts import Language, language_of
from duoline.adapters.wechat_sandbox import codes
from duoline.adapters.wechat_sandbox.site import SandboxApp, WechatSandbox
from duoline.adapters.wechat_sandbox.texts import MARK, TEXTS

Asked = Request[Any, Any, Any]

ACCOUNT = "wechat_sandbox_account"
"""The cookie by which a browser stays the same account: who is logged in to WeChat on it."""
ORDER = ("appid", "redirect_uri", "response_type", "scope", "state")
STATE = re.compile(r"[A-Za-z0-9]{0,128}")
SCOPES = {"account": ("snsapi_base", "snsapi_userinfo"), "website": ("snsapi_login",)}
WAYS = {"account": "/connect/oauth2/authorize", "website": "/connect/qrconnect"}


@dataclass(frozen=True)
class Wanted:
    """A link that is in order."""

    app: SandboxApp
    back: str
    scope: str
    state: str

    def answer(self, code: str | None) -> str:
        """Where the browser goes: with the code of who agreed, without one of who did not."""
        more = {"state": self.state} if code is None else {"code": code, "state": self.state}
        return f"{self.back}{'&' if urlsplit(self.back).query else '?'}{urlencode(more)}"


def routes(sandbox: WechatSandbox) -> list[HTTPRouteHandler]:
    """The pages of one sandbox, an Official Account's and a website's."""

    @get(list(WAYS.values()))
    async def ask(request: Asked) -> Response[str]:
        language = _language(request)
        wanted = _wanted(sandbox, request)
        if isinstance(wanted, str):
            return page(_wrong(wanted, language), 400)
        account = _account_of(request)
        if wanted.scope == "snsapi_base":  # asks nobody
            return await go_back(wanted, account, yes=True)
        return _remember(page(_asking(wanted, request, account, language), 200, return_url=wanted.back), account)

    @post(list(WAYS.values()))
    async def answer(request: Asked) -> Response[str]:
        language = _language(request)
        wanted = _wanted(sandbox, request)
        if isinstance(wanted, str):
            return page(_wrong(wanted, language), 400)
        form = await request.form()
        said = str(form.get("account") or _account_of(request))
        try:
            account = accounts.named(said)
        except Refused as refused:
            html = _asking(wanted, request, said, language, problem=refused.code)
            return page(html, refused.status, return_url=wanted.back)
        return await go_back(wanted, account, yes=form.get("answer") == "yes")

    async def go_back(wanted: Wanted, account: str, *, yes: bool) -> Response[str]:
        code = None
        if yes:
            code = await sandbox.ledger.write(
                lambda db: codes.give(
                    db, app_id=wanted.app.id, account=account, scope=wanted.scope, now_ms=sandbox.now_ms()
                )
            )
        headers = {"location": wanted.answer(code), "cache-control": "no-store"}
        return _remember(Response("", status_code=303, headers=headers), account)

    return [ask, answer]


def _language(request: Asked) -> Language:
    return language_of(request.headers.get("accept-language", ""), request.query_params.get("lang"))


def _account_of(request: Asked) -> str:
    kept = request.cookies.get(ACCOUNT, "")
    return kept if accounts.NAME.fullmatch(kept) else accounts.fresh()


def _remember(answer: Response[str], account: str) -> Response[str]:
    answer.cookies.append(Cookie(ACCOUNT, "/", account, max_age=REMEMBERED_S, httponly=True, samesite="lax"))
    return answer


def _wanted(sandbox: WechatSandbox, request: Asked) -> Wanted | str:
    """The link, or the name of what is wrong with it."""
    given = parse_qsl(request.scope.get("query_string", b"").decode("ascii", "replace"), keep_blank_values=True)
    names = tuple(name for name, _ in given if name in ORDER)
    asked = dict(given)
    app = sandbox.apps.get(asked.get("appid", ""))
    if app is None:
        return "wrong_app"
    if names != ORDER or asked["response_type"] != "code":
        return "wrong_order"
    if not request.url.path.endswith(WAYS[app.kind]) or asked["scope"] not in SCOPES[app.kind]:
        return "wrong_scope"
    if urlsplit(asked["redirect_uri"]).hostname != app.domain:
        return "wrong_domain"
    if not STATE.fullmatch(asked["state"]):
        return "wrong_state"
    return Wanted(app, asked["redirect_uri"], asked["scope"], asked["state"])


def _asking(wanted: Wanted, request: Asked, account: str, language: Language, *, problem: str | None = None) -> str:
    t = TEXTS[language]
    name = wanted.app.name_zh if language == "zh" else wanted.app.name_en
    what = t["website"] if wanted.app.kind == "website" else t["account"]
    query = escape(request.scope.get("query_string", b"").decode("ascii", "replace"))
    wrong = f'<p class="hint start bad" id="wrong" role="alert">{escape(t[problem])}</p>' if problem else ""
    marked = ' aria-invalid="true" aria-describedby="wrong why"' if problem else ' aria-describedby="why"'
    body = f"""<section class="card"><div class="merchant">
<span class="seal" aria-hidden="true">{escape(name[:1].upper())}</span>
<div><h1>{escape(t["asks"].format(app=name))}</h1><p class="subject">{escape(what)}</p></div></div>
<form method="post" action="?{query}"><div class="actions"><div><label class="row number">{escape(t["who"])}
<input type="text" name="account" value="{escape(account)}" required maxlength="20" pattern="{accounts.PATTERN}"
 title="{escape(t["bad_account"])}" autocomplete="off" autocapitalize="none" spellcheck="false"{marked}></label>{wrong}
<p class="hint start" id="why">{escape(t["why"])}</p></div>
<button class="button primary" name="answer" value="yes">{escape(t["yes"])}</button>
<button class="button quiet" name="answer" value="no">{escape(t["no"])}</button></div></form></section>"""
    return _document(t["title"], body, language, query)


def _wrong(problem: str, language: Language) -> str:
    t = TEXTS[language]
    body = f'<section class="card"><h1>{escape(t["wrong"])}</h1><p class="subject">{escape(t[problem])}</p></section>'
    return _document(t["wrong"], body, language, "")


def _document(title: str, body: str, language: Language, query: str) -> str:
    return document(title, body, language, path="", query=query, mark=MARK[language])
