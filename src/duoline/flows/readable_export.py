"""The page of an export for people: sentences about what is kept of them, in their language. Pure.

It tells the main things. All of it, row by row, is in the document for machines beside it, and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, Literal
from zoneinfo import ZoneInfo

from duoline.stores.types import CHAIN_ZONE

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Pair = tuple[str, str]
Say = Callable[[str, str], str]
Names = Mapping[str, Pair]
ZONE = ZoneInfo(CHAIN_ZONE)
STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;color:#17202a;margin:24px auto;max-width:720px;padding:0 16px}"
    "h2{border-top:1px solid #e6e9ec;padding-top:24px}h3{font-size:16px;margin:16px 0 0}li{margin:4px 0}"
    "p.quiet{color:#5b6670}"
)
STATES: dict[str, Pair] = {
    "awaiting_payment": ("待付款", "to be paid"),
    "booked": ("已预订", "booked"),
    "confirmed": ("进行中", "under way"),
    "completed": ("已完成", "completed"),
    "cancelled": ("已取消", "cancelled"),
    "expired": ("已过期", "expired"),
}
TENDERS: dict[str, Pair] = {
    "cash": ("现金", "cash"),
    "points": ("积分", "points"),
    "wallet": ("储值", "your wallet"),
    "wechat": ("微信支付", "WeChat Pay"),
    "alipay": ("支付宝", "Alipay"),
}
PURPOSES: dict[str, Pair] = {
    "service": ("提供会员服务", "being served as a member"),
    "marketing": ("优惠和活动信息", "offers and news"),
    "profiling": ("了解您的喜好", "what you like"),
    "location": ("您的位置", "where you are"),
    "sharing": ("提供给加盟商和合作方", "franchisees and partners"),
}
SOURCES: dict[str, Pair] = {
    "order": ("购物", "an order"),
    "binding": ("选择导购", "choosing a guide"),
    "given": ("赠送", "a gift"),
    "refund": ("退回", "what came back"),
}
KNOWN_BY: dict[str, Pair] = {
    "phone": ("手机号", "a phone"),
    "mail": ("邮箱", "a mail address"),
    "card_no": ("卡号", "a card"),
    "wechat_openid": ("微信", "WeChat"),
    "wechat_unionid": ("微信", "WeChat"),
}


def page(found: Mapping[str, Any], *, language: Literal["zh", "en"], shops: Mapping[str, Pair]) -> str:
    """A document of `export_member` as a page that needs nothing else to be read. `shops` are names by id."""
    n = 0 if language == "zh" else 1
    tables: Tables = {name: rows for kind in found["data"].values() for name, rows in kind.items()}

    def say(zh: str, en: str) -> str:
        return (zh, en)[n]

    title = say("我的数据", "My data")
    parts = [
        f'<!doctype html><html lang="{say("zh-CN", "en")}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1>"
        f'<p class="quiet">{say("导出时间", "As of")} {_at(found["exported_at"])}</p>'
    ]
    for heading, tell in SECTIONS:
        lines = list(tell(tables, say, shops))
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(f"<h2>{say(*heading)}</h2><ul>{items}</ul>")
    whole = say(
        "这里是主要内容。我们保存的每一条记录都在 data.json 里。",
        "These are the main things. Every row that we keep is in data.json.",
    )
    parts.append(f'<p class="quiet">{whole}</p>')
    return "".join(parts)


def _who(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("members", []):
        if row["kind"] != "member":
            continue
        yield say(f"称呼:{row['display_name'] or '未填写'}", f"Name: {row['display_name'] or 'none given'}")
        if row["phone"]:
            yield say(f"手机号:{row['phone']}", f"Phone: {row['phone']}")
        yield say(
            f"{_at(row['created_at'])} 成为会员,等级 {row['tier']}",
            f"Member since {_at(row['created_at'])}, tier {row['tier']}",
        )
        if row["home_store_id"]:
            yield say(
                f"常去门店:{_shop(row, 'home_store_id', shops, say)}",
                f"Home shop: {_shop(row, 'home_store_id', shops, say)}",
            )
        if row["external_code"]:
            yield say(f"卡号:{row['external_code']}", f"Card: {row['external_code']}")
    for row in tables.get("identities", []):
        kind = say(*KNOWN_BY.get(row["kind"], (row["kind"], row["kind"])))
        yield say(f"也以{kind}认识您:{row['value']}", f"Known too by {kind}: {row['value']}")


def _addresses(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("addresses", []):
        where = " ".join(row[part] for part in ("province", "city", "district", "line") if row[part])
        yield f"{row['name']}, {row['phone']}: {where}"


def _orders(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    lines: dict[str, list[Row]] = {}
    for line in tables.get("order_lines", []):
        lines.setdefault(line["order_id"], []).append(line)
    for row in sorted(tables.get("orders", []), key=lambda one: str(one["placed_at"]), reverse=True):
        what = say("、", ", ").join(
            f"{_name(line['name'], say)} × {line['quantity']}"
            + (say(f"(退 {line['returned']})", f" ({line['returned']} brought back)") if line["returned"] else "")
            for line in sorted(lines.get(row["id"], []), key=lambda one: one["n"])
        )
        state = say(*STATES.get(row["state"], (row["state"], row["state"])))
        back = say(f",已退 {_yuan(row['refunded_minor'])}", f", {_yuan(row['refunded_minor'])} given back")
        order = f"{say('订单', 'order')} {row['order_no']} ({state}): {what}; {_yuan(row['total_minor'])}"
        yield f"{_at(row['placed_at'])} {order}{back if row['refunded_minor'] else ''}"


def _payments(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in sorted(tables.get("captures", []), key=lambda one: str(one["at"]), reverse=True):
        by = say(*TENDERS.get(row["tender"], (row["tender"], row["tender"])))
        yield say(
            f"{_at(row['at'])} 用{by}付款 {_yuan(row['amount_minor'])}",
            f"{_at(row['at'])} paid {_yuan(row['amount_minor'])} by {by}",
        )
    for row in sorted(tables.get("refunds", []), key=lambda one: str(one["created_at"]), reverse=True):
        yield say(
            f"{_at(row['created_at'])} 退款 {_yuan(row['amount_minor'])}",
            f"{_at(row['created_at'])} {_yuan(row['amount_minor'])} given back",
        )


def _points(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("point_accounts", []):
        yield say(
            f"可用 {row['spendable']} 积分,待生效 {row['pending']}",
            f"{row['spendable']} points to spend, {row['pending']} still waiting",
        )
    for row in sorted(tables.get("point_lots", []), key=lambda one: str(one["at"]), reverse=True):
        source = say(*SOURCES.get(row["source"], (row["source"], row["source"])))
        ends = say(f",{_at(row['expires_at'])} 到期", f", until {_at(row['expires_at'])}") if row["expires_at"] else ""
        yield say(
            f"{_at(row['at'])} {source} +{row['granted']}{ends}",
            f"{_at(row['at'])} {row['granted']} for {source}{ends}",
        )


def _wallet(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("wallets", []):
        yield say(
            f"本金 {_yuan(row['principal_minor'])},赠送 {_yuan(row['bonus_minor'])}",
            f"{_yuan(row['principal_minor'])} paid in, {_yuan(row['bonus_minor'])} given on top",
        )
    for row in tables.get("wallet_top_ups", []):
        if row["state"] == "paid":
            when, paid, bonus = _at(row["created_at"]), _yuan(row["principal_minor"]), _yuan(row["bonus_minor"])
            yield say(f"{when} 充值 {paid},赠 {bonus}", f"{when} filled with {paid}, {bonus} on top")


def _coupons(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("coupons", []):
        used = row["order_id"] is not None
        state = (
            say("已使用", "used") if used else say("已失效", "void") if row["void_at"] else say("未使用", "not used")
        )
        yield say(
            f"{_at(row['issued_at'])} 发放,{_at(row['expires_at'])} 到期,{state}",
            f"given {_at(row['issued_at'])}, until {_at(row['expires_at'])}, {state}",
        )


def _guide(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in sorted(tables.get("bindings", []), key=lambda one: str(one["from_at"]), reverse=True):
        shop = _shop(row, "store_id", shops, say)
        until = (
            say(f"至 {_at(row['until_at'])}", f"until {_at(row['until_at'])}")
            if row["until_at"]
            else say("至今", "and still")
        )
        whom = say("导购" if row["guide_id"] else "门店", "a guide of" if row["guide_id"] else "the shop")
        yield say(
            f"{_at(row['from_at'])} {until}:{shop} 的{whom}", f"since {_at(row['from_at'])} {until}: {whom} {shop}"
        )


def _consents(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in sorted(tables.get("consents", []), key=lambda one: str(one["at"]), reverse=True):
        purpose = say(*PURPOSES.get(row["purpose"], (row["purpose"], row["purpose"])))
        said = say("同意", "agreed to") if row["granted"] else say("撤回", "took back")
        yield say(f"{_at(row['at'])} {said}:{purpose}", f"{_at(row['at'])} {said}: {purpose}")


def _shares(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in sorted(tables.get("touchpoints", []), key=lambda one: str(one["created_at"]), reverse=True):
        name = say(row["name_zh"] or row["name_en"], row["name_en"] or row["name_zh"])
        note = f": {row['note']}" if row["note"] else ""
        yield say(f"{_at(row['created_at'])} 分享了 {name}{note}", f"{_at(row['created_at'])} shared {name}{note}")
    met = len(tables.get("touches", []))
    if met:
        yield say(f"打开过 {met} 次别人的分享或门店的码", f"opened a link or a shop's code {met} times")


def _earnings(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    for row in tables.get("payees", []):
        coming, due, paid = (_yuan(row[f"{part}_minor"]) for part in ("pending", "due", "paid"))
        yield say(f"待结算 {coming},可结算 {due},已打款 {paid}", f"{coming} still to come, {due} due, {paid} paid out")
    for row in sorted(tables.get("statements", []), key=lambda one: str(one["month"]), reverse=True):
        yield say(
            f"{row['month']} 账单:{_yuan(row['to_pay_minor'])}",
            f"statement of {row['month']}: {_yuan(row['to_pay_minor'])}",
        )


def _other(tables: Tables, say: Say, shops: Names) -> Iterable[str]:
    liked = len(tables.get("favourites", []))
    if liked:
        yield say(f"收藏了 {liked} 件商品", f"{liked} favourites")
    for row in tables.get("payee_accounts", []):
        to = " ".join(row[name] for name in ("holder", "bank", "branch", "receiver") if row[name])
        yield say(f"收款账户:{to}", f"Paid out to: {to}")
    logged_in = len(tables.get("member_sessions", []))
    if logged_in:
        yield say(f"在 {logged_in} 个设备上登录", f"logged in on {logged_in} devices")


SECTIONS: tuple[tuple[Pair, Callable[[Tables, Say, Names], Iterable[str]]], ...] = (
    (("您的资料", "Who you are"), _who),
    (("收货地址", "Addresses"), _addresses),
    (("订单", "Orders"), _orders),
    (("付款和退款", "Payments and refunds"), _payments),
    (("积分", "Points"), _points),
    (("储值钱包", "Wallet"), _wallet),
    (("优惠券", "Coupons"), _coupons),
    (("专属导购", "Your guide"), _guide),
    (("您同意过什么", "What you agreed to"), _consents),
    (("分享和扫码", "Shares and visits"), _shares),
    (("分享收益", "What you earned by sharing"), _earnings),
    (("其他", "More"), _other),
)


def _at(value: str | None) -> str:
    """An instant in the chain's time, as a day and a time."""
    return f"{datetime.fromisoformat(value).astimezone(ZONE):%Y-%m-%d %H:%M}" if value else ""


def _yuan(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}¥{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def _name(name: Any, say: Say) -> str:
    """A text in both languages, or a plain one."""
    if isinstance(name, dict):
        return say(name.get("zh") or name.get("en") or "", name.get("en") or name.get("zh") or "")
    return str(name)


def _shop(row: Row, column: str, shops: Names, say: Say) -> str:
    return say(*shops[row[column]]) if row[column] in shops else ""
