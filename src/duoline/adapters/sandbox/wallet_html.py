"""The wallet as HTML. No script: it reads itself anew every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import segno

from duoline.adapters.sandbox.pay_html import amount_text, document
from duoline.adapters.sandbox.pay_texts import TEXTS, Language

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

REFRESH_S = 4


@dataclass(frozen=True)
class WalletView:
    """What the page shows of one wallet. `problem` is the code of what was refused just now."""

    name: str
    balance_minor: int
    code: str
    payments: Sequence[sqlite3.Row]
    received: Sequence[sqlite3.Row] = ()
    problem: str | None = None


def wallet_page(view: WalletView, language: Language) -> str:
    """The wallet: what it is asked for first, then its code and its balance."""
    t = TEXTS[language]
    asked = [payment for payment in view.payments if payment["state"] == "open"]
    body = "".join(_asked(view, payment, language) for payment in asked)
    if view.problem:
        text = t.get(f"wallet_{view.problem}", t["wallet_refused"])
        body = f'<section class="card"><p class="hint bad" role="alert">{escape(text)}</p></section>' + body
    balance = escape(amount_text(view.balance_minor, "CNY"))
    body += f"""<section class="card wallet"><h1>{escape(t["wallet_code"])}</h1>
{segno.make(view.code, error="m", micro=False).svg_inline(border=2, omitsize=True)}
<p class="digits" data-code="{view.code}">{_grouped(view.code)}</p><p class="hint">{escape(t["wallet_hint"])}</p>
<dl><div><dt>{escape(t["wallet_balance"])}</dt><dd data-balance="{view.balance_minor}">{balance}</dd></div></dl>
</section>"""
    body += _story(view, language)
    return document(t["wallet"], body, language, path="", query=f"w={view.name}", refresh_s=REFRESH_S)


def _asked(view: WalletView, payment: sqlite3.Row, language: Language) -> str:
    """A payment above the limit: the payer says yes or no."""
    t = TEXTS[language]
    amount = amount_text(payment["amount_minor"], payment["currency"])
    return f"""<section class="card"><h1>{escape(t["wallet_asked"])}</h1>
<p class="subject">{escape(payment["subject"])}</p><p class="amount">{escape(amount)}</p>
<form method="post" action="?w={view.name}&amp;lang={language}"><div class="actions">
<input type="hidden" name="ref" value="{escape(payment["provider_ref"])}">
<button class="button primary" name="answer" value="yes">{escape(t["pay"].format(amount=amount))}</button>
<button class="button quiet" name="answer" value="no">{escape(t["wallet_no"])}</button></div></form></section>"""


def _story(view: WalletView, language: Language) -> str:
    lines = "".join(_received_line(transfer, language) for transfer in view.received)
    lines += "".join(_story_line(payment, language) for payment in view.payments if payment["state"] != "open")
    return f'<section class="card"><ul class="log">{lines}</ul></section>' if lines else ""


def _story_line(payment: sqlite3.Row, language: Language) -> str:
    amount = escape(amount_text(payment["amount_minor"], payment["currency"]))
    return f"""<li><div class="what"><span>{escape(payment["subject"])}</span><span>{amount}</span></div>
<p class="tries">{escape(_became(payment, language))}</p></li>"""


def _received_line(transfer: sqlite3.Row, language: Language) -> str:
    """Money that came in: from whom is the merchant's note."""
    t = TEXTS[language]
    amount = escape("+" + amount_text(transfer["amount_minor"], transfer["currency"]))
    words = t["wallet_received"] if transfer["state"] == "done" else t["wallet_on_its_way"]
    return f"""<li data-received="{transfer["amount_minor"]}"><div class="what"><span>{escape(transfer["note"])}</span>
<span>{amount}</span></div><p class="tries">{escape(words)}</p></li>"""


def _became(payment: sqlite3.Row, language: Language) -> str:
    t = TEXTS[language]
    words = t["paid"] if payment["state"] == "paid" else t["closed"]
    if payment["refunded_minor"]:
        words += f" · {t['refunded']} {amount_text(payment['refunded_minor'], payment['currency'])}"
    return words


def _grouped(code: str) -> str:
    return " ".join(code[n : n + 4] for n in range(0, len(code), 4))
