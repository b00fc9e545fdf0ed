"""The pay page as HTML. No script: it works in any in-app browser, and there is nothing to attack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from duoline.adapters.sandbox import rules
from duoline.adapters.sandbox.accounts import PATTERN
from duoline.adapters.sandbox.faults import AfterCapture, Faults, Forgery, RefundOutcome
from duoline.adapters.sandbox.pay_texts import TEXTS, Language
from duoline.kernel.money import exponent_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

CSS = files("duoline.adapters.sandbox").joinpath("pay.css").read_text(encoding="utf-8")
DELAY_S = 30
SLOW_REFUND_S = 60
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥"}
_TICK = '<path d="M8 14.5l4 4 8-9" fill="none" stroke="currentColor" stroke-width="2"/>'
_CROSS = '<path d="M10 10l8 8m0-8l-8 8" fill="none" stroke="currentColor" stroke-width="2"/>'
_BANG = '<path d="M14 8v8m0 3v2" fill="none" stroke="currentColor" stroke-width="2"/>'


@dataclass(frozen=True)
class PayView:
    """What the page shows of one payment. `faults` is None when there is no panel; `account` is who would pay it;
    `problem` is the code of what was refused just now."""

    payment: sqlite3.Row
    merchant_zh: str
    merchant_en: str
    faults: Faults | None
    callbacks: Sequence[dict[str, Any]]
    now_ms: int
    account: str
    problem: str | None = None


def amount_text(minor: int, currency: str) -> str:
    """An amount as buyers read it: ¥19.90, ¥1,234.50."""
    exponent = exponent_of(currency)
    whole, rest = divmod(minor, 10**exponent)
    digits = f"{whole:,}" + (f".{rest:0{exponent}d}" if exponent else "")
    return f"{_SIGNS[currency]}{digits}" if currency in _SIGNS else f"{digits} {currency}"


def pay_page(view: PayView, language: Language) -> str:
    """The page of a payment in whatever state it is."""
    t = TEXTS[language]
    payment = view.payment
    amount = amount_text(payment["amount_minor"], payment["currency"])
    body = f'<section class="card">{_summary(view, language, amount)}</section>'
    body += f'<section class="card">{_actions(view, language, amount)}</section>'
    return document(t["title"].format(amount=amount), body, language, path="")


def message_page(title: str, hint: str, language: Language, *, back_url: str | None) -> str:
    """A page that says one thing: unknown payment, or no result. `title` and `hint` name texts."""
    t = TEXTS[language]
    back = "" if back_url is None else _link(back_url, t["back"], "primary")
    body = f'<section class="card">{_state("bad", _BANG, t[title])}<p>{escape(t[hint])}</p>{back}</section>'
    return document(t[title], body, language, path="")


def _summary(view: PayView, language: Language, amount: str) -> str:
    t, payment = TEXTS[language], view.payment
    merchant = view.merchant_zh if language == "zh" else view.merchant_en
    facts = [(t["number"], escape(payment["out_trade_no"]))]
    if payment["state"] == "open":
        exact = rules.from_ms(payment["expires_ms"]).astimezone(rules.SETTLEMENT_ZONE)
        left = _time_left(payment["expires_ms"] - view.now_ms, language)
        facts.append((t["time_left"], f'<time title="{exact:%Y-%m-%d %H:%M:%S}">{left}</time>'))
    if payment["payer"]:
        facts.append((t["payer"], escape(payment["payer"])))
    if payment["refunded_minor"]:
        facts.append((t["refunded"], escape(amount_text(payment["refunded_minor"], payment["currency"]))))
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f"""<div class="merchant"><span class="seal" aria-hidden="true">{escape(merchant[:1].upper())}</span>
<div><h1>{escape(t["pay_to"].format(merchant=merchant))}</h1>
<p class="subject">{escape(payment["subject"])}</p></div></div>
<p class="amount">{escape(amount)}</p><dl>{rows}</dl>"""


def _actions(view: PayView, language: Language, amount: str) -> str:
    t, payment = TEXTS[language], view.payment
    notices = "" if view.faults is None else _log(view.callbacks, language)
    if payment["state"] == "paid":
        return _state("good", _TICK, t["paid"]) + _link(payment["return_url"], t["back"], "primary") + notices
    if payment["state"] == "closed":
        hint = f"<p>{escape(t['closed_hint'])}</p>"
        back = _link(payment["return_url"], t["back"], "primary")
        return _state("off", _CROSS, t["closed"]) + hint + back + notices
    panel = "" if view.faults is None else _panel(view.faults, language)
    return f"""<form method="post" action="?lang={language}"><div class="actions">{_account(view, language)}
<button class="button primary" type="submit">{escape(t["pay"].format(amount=amount))}</button>
{_link(payment["return_url"], t["cancel"], "quiet")}
<p class="hint">{escape(t["cancel_hint"])}</p></div>{panel}</form>{notices}"""


def _account(view: PayView, language: Language) -> str:
    """By which account is paid: this browser's own, unless somebody else's phone is meant."""
    t = TEXTS[language]
    wrong = f'<p class="hint start bad" id="wrong" role="alert">{escape(t[view.problem])}</p>' if view.problem else ""
    marked = ' aria-invalid="true" aria-describedby="wrong why"' if view.problem else ' aria-describedby="why"'
    return f"""<div><label class="row number">{escape(t["account"])}
<input type="text" name="account" value="{escape(view.account)}" required maxlength="20" pattern="{PATTERN}"
 title="{escape(t["bad_account"])}" autocomplete="off" autocapitalize="none" spellcheck="false"{marked}></label>{wrong}
<p class="hint start" id="why">{escape(t["account_hint"])}</p></div>"""


def _panel(faults: Faults, language: Language) -> str:
    t = TEXTS[language]
    callback = "lost" if faults.lose else "late" if faults.delay_s else "normal"
    refund = "failed" if faults.refund_outcome is RefundOutcome.FAILED else "slow" if faults.refund_delay_s else "done"
    forgeries = "".join(_tick("forge", forgery, t[f"forge_{forgery}"], forgery in faults.forge) for forgery in Forgery)
    return f"""<details><summary>{escape(t["panel"])}</summary><input type="hidden" name="panel" value="1">
{_radios("callback", ("normal", "late", "lost"), callback, "callback", language)}
<fieldset><label class="row number">{escape(t["delay_s"])}
<input type="number" name="delay_s" min="1" max="86400" value="{faults.delay_s or DELAY_S}" inputmode="numeric"></label>
<label class="row number">{escape(t["repeat"])}
<input type="number" name="repeat" min="0" max="20" value="{faults.repeat}" inputmode="numeric"></label>
{_tick("out_of_order", "1", t["out_of_order"], faults.out_of_order)}</fieldset>
<fieldset><legend>{escape(t["forge"])}</legend><div class="two">{forgeries}</div></fieldset>
{_radios("after_capture", tuple(AfterCapture), faults.after_capture, "after", language)}
{_radios("refund", ("done", "slow", "failed"), refund, "refund", language)}</details>"""


def _log(callbacks: Sequence[dict[str, Any]], language: Language) -> str:
    t = TEXTS[language]
    lines = "".join(_log_line(callback, language) for callback in callbacks)
    content = f'<ul class="log">{lines}</ul>' if lines else f'<p class="subject">{escape(t["log_empty"])}</p>'
    return f"<details{' open' if lines else ''}><summary>{escape(t['log'])}</summary>{content}</details>"


def _log_line(callback: dict[str, Any], language: Language) -> str:
    t = TEXTS[language]
    what = t[f"event_{callback['kind']}"]
    if callback["forgery"]:
        what = t["forged"].format(what=t[f"forge_{callback['forgery']}"])
    tone = {"delivered": "good", "waiting": "warn", "lost": "bad", "given_up": "bad", "sent": ""}[callback["state"]]
    tries = " · ".join(
        f"{_clock(attempt['at'])} {attempt['answer'] or attempt['problem']}" for attempt in callback["attempts"]
    )
    return f"""<li><div class="what"><span>{escape(what)}</span>
<span class="{tone}">{escape(t["state_" + callback["state"]])}</span></div>
<p class="tries">{escape(tries)}</p></li>"""


def _radios(name: str, values: Sequence[str], chosen: str, text: str, language: Language) -> str:
    t = TEXTS[language]
    rows = "".join(
        f'<label class="row"><input type="radio" name="{name}" value="{value}"{" checked" if value == chosen else ""}>'
        f"{escape(t[f'{text}_{value}'])}</label>"
        for value in values
    )
    return f"<fieldset><legend>{escape(t[text])}</legend>{rows}</fieldset>"


def _tick(name: str, value: str, text: str, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return f'<label class="row"><input type="checkbox" name="{name}" value="{value}"{checked}>{escape(text)}</label>'


def _state(tone: str, path: str, text: str) -> str:
    return f"""<p class="state {tone}"><svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true">
<circle cx="14" cy="14" r="13" fill="none" stroke="currentColor" stroke-width="2"/>{path}</svg>{escape(text)}</p>"""


def _link(url: str, text: str, look: str) -> str:
    return f'<a class="button {look}" href="{escape(url)}">{escape(text)}</a>'


def _time_left(ms: int, language: Language) -> str:
    t = TEXTS[language]
    minutes = ms // 60_000
    return escape(t["minutes"].format(n=minutes) if minutes >= 1 else t["under_a_minute"])


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(rules.SETTLEMENT_ZONE):%H:%M:%S}"


def document(
    title: str,
    body: str,
    language: Language,
    *,
    path: str,
    query: str = "",
    refresh_s: int | None = None,
    mark: str | None = None,
) -> str:
    """A whole page. `query` names what it is about in the address, `mark` whose page it is; with `refresh_s` it reads
    itself anew."""
    t = TEXTS[language]
    more = f"{query}&amp;" if query else ""
    again = "" if refresh_s is None else f'<meta http-equiv="refresh" content="{refresh_s}">'
    other = "en" if language == "zh" else "zh"
    return f"""<!doctype html>
<html lang="{t["html_lang"]}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
{again}<title>{escape(title)}</title><style>{CSS}</style></head>
<body><div class="lines" aria-hidden="true"></div>
<header class="top"><span class="mark">{escape(mark or t["mark"])}</span>
<a href="{path}?{more}lang={other}" lang="{other}">{escape(t["other_language"])}</a></header>
<main>{body}</main></body></html>
"""
