"""What the demo chain owes for its orders: shares by guide, touchpoint and shop, and a month that is closed.

A few orders of the month before are added, made by members whom guides look after, so that there is a month to close.
Some of the staff have an account at the provider, some at a bank.
Nothing else runs while the chain is loaded, which is why the clock may be told to stand where each order stood.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from duoline import settlement
from duoline.channels.imports.identify import natural_id
from duoline.channels.imports.run import Generated, run
from duoline.entry.demo.goods import products
from duoline.entry.demo.history import PRESENT
from duoline.entry.payee_wallets import PAYEES, PROVIDER
from duoline.flows import credit
from duoline.kernel import clock
from duoline.kernel.auth import SYSTEM, Actor
from duoline.kernel.ids import derived_id
from duoline.settlement import BANK, Account
from duoline.settlement.bank_numbers import doubtful
from duoline.stores import directory
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    import asyncpg

    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database

EARLIER_MAX = 40
CREDITED_MAX = 120
GOODS = 200
WINDOW_DAYS = 30
WAIT = timedelta(days=10)
"""Longer than goods can be brought back and commission waits."""


async def add_shares(db: Database, size: Size) -> int:
    """Tell settlement of the orders of members whom somebody brought or looks after, the newest of many; close the
    month before and approve a part of it. Nothing where there are shares already; how many orders were told of."""
    if await db.fetchval("SELECT EXISTS (SELECT FROM order_credits)"):
        return 0
    first = size.today.replace(day=1)
    month = first - timedelta(days=1)
    bought = await db.fetch(_BOUGHT, EARLIER_MAX)
    rows = list(_earlier(size, month.replace(day=1), bought))
    await run(db, "orders", Generated(list(PRESENT), iter(rows)), actor=SYSTEM)
    await _meet(db, size, [row["order_code"] for row in rows])
    await directory.refresh(db)
    told = 0
    for order in reversed(await db.fetch(_ORDERS, CREDITED_MAX)):
        with clock.frozen(order["placed_at"]):
            async with db.begin() as tx:
                told += bool(await credit.credit(tx, order["member_id"], order["id"]))
    over = datetime.combine(first, time(), ZoneInfo(CHAIN_ZONE)).astimezone(UTC)
    for at in (over - timedelta(minutes=1), size.now):
        with clock.frozen(at):
            await settlement.mature(db)
    with clock.frozen(size.now):
        await _close(db, f"{month:%Y-%m}")
    return told


_BOUGHT = """
SELECT c.code, s.code AS store FROM bindings b JOIN member_codes c ON c.member_id = b.member_id
JOIN stores s ON s.id = b.store_id
WHERE b.guide_id IS NOT NULL AND b.until_at IS NULL AND c.code IN (SELECT external_code FROM members)
ORDER BY c.code LIMIT $1
"""
_ORDERS = """
SELECT o.member_id, o.id, o.placed_at FROM orders o
WHERE EXISTS (SELECT FROM order_touches t WHERE t.member_id = o.member_id AND t.order_id = o.id)
   OR EXISTS (SELECT FROM bindings b WHERE b.member_id = o.member_id AND b.from_at <= o.placed_at)
ORDER BY o.external_code NOT LIKE 'E%', o.placed_at DESC, o.id LIMIT $1
"""


def _earlier(size: Size, first: Any, bought: list[asyncpg.Record]) -> Iterator[dict[str, Any]]:
    """Two baskets each in the first half of a month, one across the counter and one online."""
    chance, goods = size.chance("earlier"), list(islice(products(size), GOODS))
    for n, one in enumerate(bought):
        for online in (False, True):
            day = first + timedelta(days=chance.randint(0, 17))
            placed = datetime.combine(day, time(chance.randint(10, 19), chance.randrange(60)), ZoneInfo(CHAIN_ZONE))
            for line in range(chance.choice((1, 2, 2, 3))):
                variant = chance.choice(chance.choice(goods).variants)
                yield {
                    "order_code": f"E{day:%y%m%d}-{n + 1:03d}-{'online' if online else 'till'}",
                    "line_no": line + 1,
                    "placed_at": placed,
                    "store_code": one["store"],
                    "channel": "import" if online else "till",
                    "member_code": one["code"],
                    "sku_code": variant.code,
                    "quantity": 1,
                    "amount": str(Decimal(variant.price_minor) / 100),
                    "tender": "online" if online else "card",
                }


async def _meet(db: Database, size: Size, codes: list[str]) -> None:
    """What was ordered online followed a link of another member, or the code of the guide."""
    links = await db.fetch(
        """SELECT id, owner_id FROM touchpoints WHERE kind IN ('share', 'guide') AND owner_kind IN ('member', 'staff')
           ORDER BY kind DESC, code"""
    )
    orders = await db.fetch(
        """SELECT o.member_id, o.id, o.placed_at FROM orders o
           WHERE o.external_code = ANY ($1) AND o.channel = 'import'
             AND NOT EXISTS (SELECT FROM order_touches t WHERE t.member_id = o.member_id AND t.order_id = o.id)
           ORDER BY o.external_code""",
        codes,
    )
    chance = size.chance("met earlier")
    async with db.begin() as tx:
        for order in orders if links else ():
            link = chance.choice([one for one in links if one["owner_id"] != order["member_id"]])
            at, touch = order["placed_at"] - timedelta(hours=1), _id(size, "touch", str(order["id"]))
            await tx.execute(
                """INSERT INTO touches (member_id, id, owner_id, touchpoint_id, at, via, device_id)
                   VALUES ($1, $2, $3, $4, $5, 'link', $2)""",
                order["member_id"], touch, link["owner_id"], link["id"], at,
            )  # fmt: skip
            await tx.execute(
                """INSERT INTO order_touches (member_id, order_id, touch_id, owner_id, touchpoint_id, touched_at,
                                              placed_at, window_days, rule_version)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)""",
                order["member_id"], order["id"], touch, link["owner_id"], link["id"], at, order["placed_at"],
                WINDOW_DAYS,
            )  # fmt: skip


async def _close(db: Database, month: str) -> None:
    """Close the month; every second statement that money is to be paid for is approved."""
    actor = Actor("staff", natural_id("staff", "hq"), "hq")
    await settlement.close_month(db, month, pays=settlement.pays, actor=actor)
    waiting = await db.fetch(
        """SELECT payee_id, id FROM statements WHERE month = $1 AND state = 'closed' AND approvals_needed = 1
           ORDER BY kind, to_pay_minor DESC, id""",
        month,
    )
    for row in waiting[::2]:
        async with db.begin() as tx:
            await settlement.approve(tx, row["payee_id"], row["id"], actor=actor, staff_id=actor.id)
    await _enter_accounts(db, actor)


async def _enter_accounts(db: Database, actor: Actor) -> None:
    """Staff say themselves where they are paid: every third by the provider, into a wallet of the sandbox, every third
    to a bank account, the others have said nothing yet. Headquarters entered those of companies, and that shows."""
    staff = await db.fetch(
        """SELECT p.payee_id, s.name FROM payees p JOIN staff s ON s.id = p.payee_id
           WHERE p.kind = 'staff' ORDER BY s.login"""
    )
    companies = await db.fetch(
        """SELECT p.payee_id, c.name_zh AS name FROM payees p JOIN companies c ON c.id = p.payee_id
           WHERE p.kind = 'company' AND c.kind = 'franchisee' ORDER BY c.code"""
    )
    async with db.begin() as tx:
        for row, receiver in zip(staff[::3], PAYEES, strict=False):
            await settlement.set_account(
                tx, row["payee_id"], Account(PROVIDER, receiver, row["name"]), kind="staff", actor=_self(row)
            )
        for n, row in enumerate(staff[1::3]):
            card = Account(BANK, _card(n), row["name"], "招商银行", "上海静安支行", "person")
            await settlement.set_account(tx, row["payee_id"], card, kind="staff", actor=_self(row))
        for n, row in enumerate(companies):
            account = Account(BANK, f"3100667{n:08}", row["name"], "中国工商银行", "上海分行营业部", "company")
            await settlement.set_account(
                tx, row["payee_id"], account, kind="company", actor=actor, reason="收款账户登记表"
            )


def _self(row: Any) -> Actor:
    return Actor("staff", row["payee_id"], row["name"])


def _card(n: int) -> str:
    """The number of a card that no bank has given out, with its check digit."""
    number = f"62179999{n:010}"
    return next(f"{number}{digit}" for digit in range(10) if not doubtful(f"{number}{digit}", owner="person"))


def _id(size: Size, what: str, name: str) -> UUID:
    return derived_id(hashlib.sha256(f"demo {what} {size.seed} {name}".encode()).digest())
