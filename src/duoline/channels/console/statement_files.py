"""Statements as files: what the page says, in the order of the orders' dates, with the sum of the lines below.

A CSV has any number of lines and is written as it is read; a workbook or PDF is drawn as a whole, of at most 20,000.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from duoline.channels.console import share_words
from duoline.channels.console.share_rows import ShareRow, share_of
from duoline.channels.http.table import Column, Table
from duoline.kernel import clock
from duoline.settlement.months import ZONE

if TYPE_CHECKING:
    from datetime import datetime

    from duoline.channels.console.share_words import Language
    from duoline.channels.console.statements import StatementCase
    from duoline.stores.directory import Chain

STATES = {
    "closing": ("生成中", "Being made"),
    "closed": ("待审批", "To approve"),
    "approved": ("已审批", "Approved"),
    "paying": ("打款中", "On its way"),
    "paid": ("已付", "Paid"),
    "carried": ("结转", "Carried on"),
}
KINDS = {
    "staff": ("员工", "Staff"),
    "member": ("会员", "Member"),
    "store": ("门店", "Shop"),
    "company": ("公司", "Company"),
    "chain": ("总部", "Chain"),
}


def columns(kind: str) -> list[Column]:
    """Of people's statements, and of organisations', which have goods and margin too."""
    return [
        Column("下单 Ordered", width=4),
        Column("订单 Order", width=6),
        Column("商品 Article", width=6),
        Column("角色 Role", width=4),
        Column("门店 Shop", width=4),
        Column("计提基数 Basis", "money", 4),
        *([Column("货值 Goods", "money", 4), Column("毛利 Margin", "money", 4)] if organised(kind) else []),
        Column("比例 Rate", width=3),
        Column("金额 Amount", "money", 4),
        Column("原因 Why", width=15),
    ]


def organised(kind: str) -> bool:
    """Whether a payee is an organisation, which shares margins."""
    return kind in ("store", "company", "chain")


def cells(share: ShareRow, minor: int, *, kind: str, lang: Language) -> list[str | int]:
    """A line."""
    margin = share.margin
    basis = margin.worth if margin else share.basis
    both: list[str | int] = [margin.goods.minor, margin.margin.minor] if margin else ["", ""]
    article = share.article
    return [
        _day(share.placed_at),
        share.order_no or "",
        (article.en or article.zh if lang == "en" else article.zh) if article else "",
        share_words.role(share.role, lang),
        share.store_code or "",
        basis.minor,
        *(both if organised(kind) else []),
        share_words.percent(share.rate_bp) if share.rate_bp else "",
        minor,
        share_words.why(share, lang),
    ]


def total(kind: str, minor: int) -> list[str | int]:
    """The line below all others: what they come to."""
    first = "合计 Total"
    return [first, *([""] * (len(columns(kind)) - 3)), minor, ""]


def file_name(case: StatementCase) -> str:
    """Such as `statement-2026-11-F01-3F9A0C`: month, whose, and the end of the statement's number."""
    one = case.statement
    whose = one.payee.note if one.payee.kind in ("store", "company") else one.payee.name.zh
    whose = re.sub(r"[^\w-]+", "-", whose).strip("-")
    return "-".join(part for part in ("statement", one.month, whose, one.no.rsplit("-", 1)[-1]) if part)


def table(case: StatementCase, rows: list[list[str | int]], chain: Chain, *, lines_minor: int, lang: Language) -> Table:
    """The whole statement: who says it, of whom, how it comes to its sum, who approved it, how it was paid."""
    one, en = case.statement, lang == "en"
    name = one.payee.name.en or one.payee.name.zh if en else one.payee.name.zh
    booked = one.way == "internal"
    facts: list[tuple[str, str | int]] = [
        ("编号 Number", one.no),
        ("出具方 Issued by", _issuer(chain, en=en)),
        ("收款方 Payee", " ".join(part for part in (name, one.payee.note, f"({KINDS[one.payee.kind][en]})") if part)),
        *([("所属公司 Company", company)] if (company := _company(case, chain, en=en)) else []),
        ("期间 Period", one.month),
        ("关账 Closed", _time(one.closed_at)),
        ("制表 Made", _time(clock.now())),
        (
            "状态 State",
            "Booked"
            if en and booked and one.state == "paid"
            else "已记账"
            if booked and one.state == "paid"
            else STATES[one.state][en],
        ),
        ("上期结转 Carried in", one.carried_in.minor),
        ("本期所得 Earned", one.earned.minor),
        ("退货冲回 Taken back", -one.reversed.minor),
        ("超出封顶 Above the cap", -one.cut.minor),
        ("应记账 To book" if booked else "应付 To pay", one.to_pay.minor),
        *([("打款前又退货,转下期 Withheld", one.withheld.minor)] if one.withheld.minor else []),
        ("结转下期 Carried on", one.carried_out.minor),
        (
            "审批 Approvals",
            ", ".join(f"{each.by} {_time(each.at)}" for each in case.approvals) or ("none" if en else "无"),
        ),
    ]
    facts += [
        (
            "打款 Payout",
            f"{_time(each.resolved_at or each.at)} {share_words.yuan(each.amount)} {_ended(each.state, en=en)}",
        )
        for each in reversed(case.payouts)
    ]
    return Table(
        title=f"{'Statement' if en else '结算单'} {one.no} {name}",
        facts=facts,
        columns=columns(one.payee.kind),
        rows=rows,
        total=total(one.payee.kind, lines_minor),
    )


async def lines_of(
    pages: AsyncIterator[list[Any]], chain: Chain, *, kind: str, lang: Language
) -> AsyncIterator[list[list[str | int]]]:
    """The lines of a statement as rows of a file, page by page, and what they come to as the last."""
    minor = 0
    async for page in pages:
        minor += sum(line["amount_minor"] for line in page)
        yield [cells(share_of(line, chain), line["amount_minor"], kind=kind, lang=lang) for line in page]
    yield [total(kind, minor)]


def _issuer(chain: Chain, *, en: bool) -> str:
    """The chain's own company."""
    own = sorted((one for one in chain.companies.values() if not one.franchised), key=lambda one: one.code)
    return (own[0].name.filled.en if en else own[0].name.zh) if own else ""


def _company(case: StatementCase, chain: Chain, *, en: bool) -> str:
    """Of a shop, whose it is."""
    store = chain.stores.get(case.statement.payee.id) if case.statement.payee.kind == "store" else None
    company = chain.companies.get(store.company_id) if store else None
    return f"{company.name.filled.en if en else company.name.zh} {company.code}" if company else ""


def _ended(state: str, *, en: bool) -> str:
    return {"requested": ("已提交", "asked for"), "done": ("已到账", "done"), "failed": ("失败", "failed")}[state][en]


def _day(at: datetime | None) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d}" if at else ""


def _time(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"
