"""The evidence that nobody is paid for recruiting: figures that add up, and a pack for a lawyer or an authority."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter

from duoline.channels.console import share_words
from duoline.channels.console.payee_scope import NAMED, NAMES, money, payee_of
from duoline.channels.console.statement_files import KINDS
from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.documents import download
from duoline.channels.http.sessions import Staff
from duoline.channels.http.table import Column, csv_head, csv_rows
from duoline.kernel import clock, policies
from duoline.kernel.db import Database
from duoline.kernel.errors import NotFound
from duoline.kernel.money import Money
from duoline.settlement import lawful
from duoline.settlement.months import ZONE
from duoline.settlement.policy import CommissionPolicy
from duoline.stores.directory import Chain

Since = Annotated[int, Parameter(ge=1, le=24, description="Of the last so many months.")]
ROWS_MAX = 20_000
SIGN_OFFS = """
SELECT o.id, o.levels, o.document, o.reason, coalesce(s.name, '') AS by, o.at, o.revoked_at
FROM plan_sign_offs o LEFT JOIN staff s ON o.actor = 'staff:' || s.id
WHERE ($1::uuid IS NULL OR o.id = $1) ORDER BY o.id DESC LIMIT 100
"""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What shows that nobody is paid for recruiting: shares by level, what was flagged and paid nothing, how much was
    earned and taken back (before a statement too). `earned` is `own_sales`, `by_sharing` and `bringing`, which is
    staff's reward for new members, together. `without_orders` counts shares of members that pay something and rest on
    no order line (always none). All of it of the shares that were first credited in the months asked for."""

    level_1: int
    level_2: int
    deeper: int
    flagged: dict[str, int]
    earned: Money
    own_sales: Money
    by_sharing: Money
    bringing: Money
    taken_back: Money
    payees: int
    top_hundredth: Money
    without_orders: int


_EVIDENCE = """
WITH those AS (SELECT * FROM accruals WHERE book = 'commission' AND at >= $1),
each AS (SELECT payee_id, sum(earned_minor)::bigint AS minor FROM those GROUP BY payee_id),
ranked AS (SELECT minor, row_number() OVER (ORDER BY minor DESC) AS n, count(*) OVER () AS payees FROM each)
SELECT (SELECT count(*) FROM those WHERE level = 1)::integer AS level_1,
       (SELECT count(*) FROM those WHERE level = 2)::integer AS level_2,
       (SELECT count(*) FROM those WHERE level > 2)::integer AS deeper,
       (SELECT coalesce(jsonb_object_agg(flag, n), '{}') FROM (
            SELECT flag, count(*) AS n FROM those WHERE flag IS NOT NULL GROUP BY flag) f) AS flagged,
       (SELECT coalesce(sum(earned_minor), 0) FROM those)::bigint AS earned,
       (SELECT coalesce(sum(earned_minor), 0) FROM those WHERE role IN ('guide', 'seller'))::bigint AS own_sales,
       (SELECT coalesce(sum(earned_minor), 0) FROM those WHERE role IN ('referrer', 'second'))::bigint AS by_sharing,
       (SELECT coalesce(sum(earned_minor), 0) FROM those WHERE role = 'bringing')::bigint AS bringing,
       (SELECT coalesce(sum(reversed_minor), 0) FROM those)::bigint AS taken_back,
       (SELECT count(*) FROM each)::integer AS payees,
       (SELECT coalesce(sum(minor), 0) FROM ranked WHERE n <= greatest(1, payees / 100))::bigint AS top_hundredth,
       (SELECT count(*) FROM those a WHERE a.payee_kind = 'member' AND a.earned_minor > 0 AND NOT EXISTS (
            SELECT FROM order_lines l WHERE l.member_id = a.member_id AND l.order_id = a.order_id
            AND l.id = a.line_id))::integer AS without_orders
"""
_FLAGGED = f"""
SELECT a.at, p.payee_id, p.kind, {NAMED}, a.role, a.level, a.flag, o.order_no
FROM accruals a JOIN payees p ON p.payee_id = a.payee_id {NAMES}
LEFT JOIN orders o ON o.member_id = a.member_id AND o.id = a.order_id
WHERE a.book = 'commission' AND a.flag IS NOT NULL AND a.at >= $1 ORDER BY a.at DESC LIMIT {ROWS_MAX}
"""  # noqa: S608 - our own text
_EARNED = f"""
SELECT p.payee_id, p.kind, {NAMED}, a.role, a.level, count(*)::integer AS lines,
       sum(a.earned_minor)::bigint AS minor, sum(a.reversed_minor)::bigint AS back
FROM accruals a JOIN payees p ON p.payee_id = a.payee_id {NAMES}
WHERE a.book = 'commission' AND a.at >= $1
GROUP BY p.payee_id, p.kind, st.staff_name, me.member_name, me.member_phone, a.role, a.level
ORDER BY minor DESC, p.payee_id LIMIT {ROWS_MAX}
"""  # noqa: S608 - our own text


async def _evidence(db: Database, since: datetime) -> Evidence:
    row = await db.fetchrow(_EVIDENCE, since)
    if row is None:
        raise NotFound
    amounts = ("earned", "taken_back", "own_sales", "by_sharing", "bringing", "top_hundredth")
    figures: dict[str, Any] = {name: money(value) if name in amounts else value for name, value in row.items()}
    return Evidence(**figures)


def _since(months: int) -> datetime:
    return clock.now() - timedelta(days=31 * months)


@get("/api/console/commission/evidence", opt=doors.staff("policies.read"))
async def show_evidence(db: Database, months: Since = 3) -> Evidence:
    """What shows that nobody is paid for recruiting."""
    return await _evidence(db, _since(months))


# By name, and of everybody: for whoever sees every payee, which regions do not.
@get("/api/console/commission/evidence.zip", media_type="application/zip", opt=doors.staff("settlement.approve"))
async def download_evidence(db: Database, staff: Staff, chain: Chain, months: Since = 12) -> Answer[Any]:
    """The same as a pack to hand to a lawyer or an authority: a text to read first with the figures and the rules in
    words, every version of the plan with what the law says of it, the sign-offs, every flagged share, and what each
    payee earned by role and level, by name."""
    since, made = _since(months), clock.now()
    figures = await _evidence(db, since)
    flagged = await db.fetch(_FLAGGED, since)
    earned = await db.fetch(_EARNED, since)
    sign_offs = [dict(row) for row in await db.fetch(SIGN_OFFS, None)]
    plans = [
        {
            "version": each.version,
            "from": each.active_from,
            "plan": msgspec.to_builtins(each.body),
            "findings": [msgspec.structs.asdict(one) for one in lawful.check(lawful.Shape.of(each.body))],
        }
        for each in policies.versions("commission")
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("README.txt", _readme(figures, sign_offs, since=since, made=made, by=staff.actor.name))
        pack.writestr("figures.json", _json(figures))
        pack.writestr("plans.json", _json(plans))
        pack.writestr("sign-offs.json", _json(sign_offs))
        pack.writestr("flagged.csv", _flagged_csv(flagged, chain))
        pack.writestr("earned.csv", _earned_csv(earned, chain))
    return download(out.getvalue(), name=f"commission-evidence-{_day(since)}-{_day(made)}", kind="zip")


def _json(what: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(what))


def _flagged_csv(rows: list[Any], chain: Chain) -> bytes:
    columns = ["时间 At", "收款方 Payee", "收款方编号 Payee id", "角色 Role", "层级 Level", "订单 Order", "原因 Why"]
    return csv_head([Column(name) for name in columns]) + csv_rows(
        [
            _time(row["at"]),
            *_whose(row, chain),
            _both(share_words.ROLES[row["role"]]),
            str(row["level"]),
            row["order_no"] or "",
            _both(share_words.FLAGS[row["flag"]]),
        ]
        for row in rows
    )


def _earned_csv(rows: list[Any], chain: Chain) -> bytes:
    columns = [
        Column("收款方 Payee"),
        Column("收款方编号 Payee id"),
        Column("类型 Kind"),
        Column("角色 Role"),
        Column("层级 Level"),
        Column("笔数 Shares"),
        Column("所得 Earned", "money"),
        Column("冲回 Taken back", "money"),
    ]
    lines: list[list[str | int]] = [
        [
            *_whose(row, chain),
            _both(KINDS[row["kind"]]),
            _both(share_words.ROLES[row["role"]]),
            str(row["level"]),
            str(row["lines"]),
            row["minor"],
            row["back"],
        ]
        for row in rows
    ]
    count, minor, back = (sum(row[name] for row in rows) for name in ("lines", "minor", "back"))
    return csv_head(columns) + csv_rows([*lines, ["合计 Total", "", "", "", "", str(count), minor, back]])


def _whose(row: Any, chain: Chain) -> tuple[str, str]:
    payee = payee_of(row, chain)
    return f"{payee.name.zh} {payee.note}".strip(), str(payee.id)


def _readme(figures: Evidence, sign_offs: list[dict[str, Any]], *, since: datetime, made: datetime, by: str) -> str:
    """What is in the pack, the figures and the rules in words."""
    live = [one for one in sign_offs if one["revoked_at"] is None]
    lines = [
        "佣金合规证据 Evidence on commission",
        f"期间 Period: {_day(since)} - {_day(made)}(首次计入的分成 shares first credited in it)",
        f"制作 Made: {_time(made)} {by}",
        "",
        "一、数字 Figures",
        *(f"  {name}: {value}" for name, value in _figures(figures)),
        "",
        "二、规则 Rules",
    ]
    for each in policies.versions("commission"):
        began = _time(each.active_from) if each.version else "安装时 as installed"
        lines += [
            f"  第 {each.version} 版 Version {each.version}, {began}",
            *(f"    {one}" for one in _rules(each.body)),
        ]
        found = lawful.check(lawful.Shape.of(each.body))
        lines += [
            f"    {'不允许 refused' if one.refused else '留意 look again'}: {one.zh} {one.en} ({one.source})"
            for one in found
        ]
        lines += [] if found else ["    合规检查没有意见 The checker has nothing to say"]
    lines += ["", "三、两级的批准文件 Sign-offs of a second level"]
    lines += [f"  {one['document']}: {one['reason']} ({one['by']}, {_time(one['at'])})" for one in live] or [
        "  无 none in force"
    ]
    lines += [
        "",
        "四、文件 Files",
        "  figures.json  上面的数字 the figures above",
        "  plans.json  各版规则与检查意见 every version of the rules with the checker's findings",
        "  sign-offs.json  批准文件 sign-offs, revoked ones too",
        "  flagged.csv  不计佣的分成与原因 shares that pay nothing, and why",
        f"  earned.csv  每人按角色与层级所得,合计等于佣金合计 "
        f"by payee, role and level; the total is what was earned ({ROWS_MAX} rows at most)",
        "",
    ]
    return "﻿" + "\n".join(lines)


def _figures(of: Evidence) -> list[tuple[str, str]]:
    yuan = share_words.yuan
    return [
        ("佣金合计 Earned", yuan(of.earned)),
        ("  其中自己销售 by their own sales", yuan(of.own_sales)),
        ("  其中分享 by sharing", yuan(of.by_sharing)),
        ("  其中员工拉新奖励 staff, for new members", yuan(of.bringing)),
        ("另有冲回 Taken back beside it", yuan(of.taken_back)),
        ("第一级分成 Shares of level one", str(of.level_1)),
        ("第二级分成 Shares of level two", str(of.level_2)),
        ("更深层级 Deeper", str(of.deeper)),
        ("会员不凭订单得到的分成 Shares of members that rest on no order line", str(of.without_orders)),
        ("不计佣的分成 Shares that pay nothing", str(sum(of.flagged.values()))),
        *((f"  {_both(share_words.FLAGS[flag])}", str(count)) for flag, count in sorted(of.flagged.items())),
        ("收款人数 Payees", str(of.payees)),
        ("最高 1% 的人 The best-paid hundredth", yuan(of.top_hundredth)),
    ]


def _rules(plan: CommissionPolicy) -> list[str]:
    percent = share_words.percent
    cap = share_words.yuan(money(plan.month_cap_minor)) if plan.month_cap_minor else "不限 none"
    return [
        f"专属导购 Guide {percent(plan.guide_bp)}; 开单店员 Seller {percent(plan.seller_bp)};"
        f" 分享人 Sharer {percent(plan.referrer_bp)}; 第二级 Second level {percent(plan.second_bp)}",
        f"分享层级 Levels {plan.levels}; 交货后 {plan.mature_days} 天到期 due {plan.mature_days} days after hand-over;"
        f" 每人每月封顶 Cap a month {cap}; 员工拉新奖励 Staff, for a new member"
        f" {share_words.yuan(money(plan.bringing_minor))}",
        "一人多角色都计 every role is paid"
        if plan.several_roles
        else "一人多角色只计最高 of several roles the best is paid",
        *(f"商品 Product {one.product} x {one.percent}%" for one in plan.products),
        *(f"类目 Category {one.category} x {one.percent}%" for one in plan.categories),
        *(f"等级 Tier {one.tier} x {one.percent}%" for one in plan.tiers),
    ]


def _both(words: tuple[str, str]) -> str:
    return " ".join(words)


def _day(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}"


ROUTES = [show_evidence, download_evidence]
