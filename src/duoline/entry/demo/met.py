"""Touchpoints of the demo chain: codes of every kind, who scanned them lately, what was bought after, and guides
with members. All invented, and the same every time.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from duoline.channels.imports.identify import natural_id
from duoline.entry.demo.shops import shops
from duoline.kernel.auth import SYSTEM
from duoline.kernel.ids import ALPHABET, derived_id
from duoline.stores.types import CHAIN_ID, CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from uuid import UUID

    import asyncpg

    from duoline.entry.demo.size import Size
    from duoline.kernel.db import Database, Tx

SHOPS_MAX = 6
MEMBERS_MAX = 12
DAYS = 14
HUNG_DAYS = 70
ORDERS_MAX = 60
WINDOW_DAYS = 30


class Point(NamedTuple):
    """A touchpoint to hang up, and how often it is scanned on a good day."""

    id: UUID
    code: str
    kind: str
    owner_kind: str
    owner_id: UUID
    name_zh: str
    name_en: str
    store_id: UUID | None
    place: str
    target_kind: str
    target: str
    note: str
    scans_max: int


class _Names(NamedTuple):
    """What the chain's own rows are called and have."""

    stores: dict[UUID, asyncpg.Record]
    products: Sequence[asyncpg.Record]
    clerks: dict[UUID, asyncpg.Record]
    members: Sequence[UUID]


def points(size: Size, names: _Names) -> list[Point]:
    """Every touchpoint, in the order in which it was made."""
    chance = size.chance("touchpoints")

    def point(kind: str, owner: tuple[str, UUID], zh: str, en: str, scans: int, **more: Any) -> Point:
        code = "".join(chance.choice(ALPHABET) for _ in range(8))
        place = {"store_id": None, "place": "", "target_kind": "home", "target": "", "note": ""} | more
        return Point(_id(size, "touchpoint", code), code, kind, *owner, zh, en, **place, scans_max=scans)

    chain = ("chain", CHAIN_ID)
    found = [point("campaign", chain, "双十二预热", "Twelve twelve", 9)]
    for shop in [one for one in shops(size) if not one.dc][:SHOPS_MAX]:
        store_id = natural_id("store", shop.code)
        store = names.stores[store_id]
        here: dict[str, Any] = {"store_id": store_id}
        own = ("store", store_id)
        to_shop = {"target_kind": "store", "target": shop.code}
        found.append(point("store", own, "收银台", "Checkout", 8, **here, **to_shop))
        found.append(point("poster", own, "门口海报", "Poster at the door", 6, **here))
        for n, product in enumerate(names.products[:2]):
            to_product = {"target_kind": "product", "target": product["code"]}
            label = (product["name_zh"], product["name_en"])
            found.append(point("shelf", own, label[0], label[1], 4, **here, place=f"A-{n + 1:02d}", **to_product))
        clerk = names.clerks.get(store_id)
        if clerk is not None:
            label = (f"{clerk['name']} · {store['name_zh']}", f"{clerk['name']} · {store['name_en']}")
            found.append(point("guide", ("staff", clerk["id"]), label[0], label[1], 3, **here, target_kind="guide"))
    for product, member_id in zip(names.products[2:4], names.members[:2], strict=False):
        to_product = {"target_kind": "product", "target": product["code"], "note": "我家一直用这个"}
        label = (product["name_zh"], product["name_en"])
        found.append(point("product", chain, label[0], label[1], 3, **(to_product | {"note": ""})))
        found.append(point("share", ("member", member_id), label[0], label[1], 2, **to_product))
    return found


async def add_touchpoints(db: Database, size: Size) -> int:
    """Hang them up with what they brought, and tie members to guides, unless there are any; how many there are now."""
    if await db.fetchval("SELECT EXISTS (SELECT FROM touchpoints)"):
        return 0
    names = _Names(
        {row["id"]: row for row in await db.fetch("SELECT id, name_zh, name_en FROM stores")},
        await db.fetch("SELECT code, name_zh, name_en FROM products WHERE state = 'published' ORDER BY code LIMIT 4"),
        {
            row["unit_id"]: row
            for row in await db.fetch(
                """SELECT DISTINCT ON (g.unit_id) g.unit_id, s.id, s.name FROM staff s
                   JOIN staff_grants g ON g.staff_id = s.id WHERE g.role = 'clerk' ORDER BY g.unit_id, s.login"""
            )
        },
        [row["member_id"] for row in await db.fetch(
            "SELECT member_id FROM members WHERE kind = 'member' ORDER BY member_id LIMIT $1", SHOPS_MAX * MEMBERS_MAX
        )],
    )  # fmt: skip
    made = points(size, names)
    begun = datetime.combine(size.today - timedelta(days=HUNG_DAYS), time(9), ZoneInfo(CHAIN_ZONE)).astimezone(UTC)
    async with db.begin() as tx:
        await tx.executemany(
            """INSERT INTO touchpoints (id, code, kind, owner_kind, owner_id, name_zh, name_en, store_id, place,
                                        target_kind, target, note, created_by, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
            [(*one[:12], SYSTEM.label, begun) for one in made],
        )
        await tx.executemany(
            "INSERT INTO touchpoint_codes (code, owner_id, touchpoint_id) VALUES ($1, $2, $3)",
            [(one.code, one.owner_id, one.id) for one in made],
        )
        await _scan(tx, size, made)
        await _bring(tx, size, made)
        await _bind(tx, size, made, names.members, begun)
    return len(made)


async def _scan(tx: Tx, size: Size, made: Sequence[Point]) -> None:
    """Scans of the last days, each on a device of its own, and their sums."""
    chance, rows = size.chance("scans"), []
    for one in made:
        for ago in range(DAYS, 0, -1):
            day = size.today - timedelta(days=ago)
            rows += [
                (one.id, _id(size, "scan", f"{one.code}{ago}:{n}"), _moment(chance, day), day,
                 chance.choice(("qr", "qr", "qr", "link")), _id(size, "device", f"{one.code}{ago}:{n}"))
                for n in range(chance.randint(0, one.scans_max))
            ]  # fmt: skip
    await tx.executemany(
        "INSERT INTO scans (touchpoint_id, id, at, on_date, via, device_id) VALUES ($1, $2, $3, $4, $5, $6)", rows
    )
    await tx.executemany(
        "INSERT INTO touchpoint_devices (touchpoint_id, device_id, first_at, last_at) VALUES ($1, $2, $3, $3)",
        [(row[0], row[5], row[2]) for row in rows],
    )
    await tx.execute(
        """INSERT INTO touchpoint_days (touchpoint_id, on_date, scans)
           SELECT touchpoint_id, on_date, count(*) FROM scans GROUP BY touchpoint_id, on_date"""
    )
    await tx.execute(
        "INSERT INTO touchpoint_totals (touchpoint_id, scans) SELECT touchpoint_id, count(*) FROM scans GROUP BY 1"
    )


async def _bring(tx: Tx, size: Size, made: Sequence[Point]) -> None:
    """Some of the last orders of members came after something they had met two hours before."""
    chance = size.chance("touches")
    orders = await tx.fetch(
        """SELECT o.member_id, o.id, o.placed_at FROM orders o JOIN members m ON m.member_id = o.member_id
           WHERE m.kind = 'member' ORDER BY o.placed_at DESC, o.id LIMIT $1""",
        ORDERS_MAX,
    )
    for order in orders[::2]:
        met = chance.choice([one for one in made if one.kind != "guide" and one.owner_id != order["member_id"]])
        at = order["placed_at"] - timedelta(hours=2)
        touch = _id(size, "touch", str(order["id"]))
        await tx.execute(
            """INSERT INTO touches (member_id, id, owner_id, touchpoint_id, at, via, device_id)
               VALUES ($1, $2, $3, $4, $5, 'qr', $2)""",
            order["member_id"], touch, met.owner_id, met.id, at,
        )  # fmt: skip
        await tx.execute(
            """INSERT INTO order_touches (member_id, order_id, touch_id, owner_id, touchpoint_id, touched_at, placed_at,
                                          window_days, rule_version)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)""",
            order["member_id"], order["id"], touch, met.owner_id, met.id, at, order["placed_at"], WINDOW_DAYS,
        )  # fmt: skip


async def _bind(tx: Tx, size: Size, made: Sequence[Point], members: Sequence[UUID], begun: datetime) -> None:
    """Members of the guides, who came by their codes."""
    chance, rest = size.chance("bindings"), list(members)
    for guide in [one for one in made if one.kind == "guide"]:
        for member_id in [rest.pop() for _ in range(min(len(rest), chance.randint(3, MEMBERS_MAX)))]:
            at = begun + timedelta(hours=chance.randint(0, 24 * (DAYS - 1)))
            await tx.execute(
                """INSERT INTO bindings (member_id, id, scope, guide_id, store_id, touchpoint_id, source, rule_version,
                                         from_at, expires_at)
                   VALUES ($1, $2, 'guide', $3, $4, $5, $6, 0, $7, $8)""",
                member_id, _id(size, "binding", str(member_id)), guide.owner_id, guide.store_id, guide.id,
                chance.choice(("scan", "scan", "invitation", "till")), at, at + timedelta(days=365),
            )  # fmt: skip


def _moment(chance: Random, day: Any) -> datetime:
    opens = datetime.combine(day, time(9), ZoneInfo(CHAIN_ZONE))
    return (opens + timedelta(minutes=chance.randint(0, 12 * 60 - 1))).astimezone(UTC)


def _id(size: Size, what: str, name: str) -> UUID:
    return derived_id(hashlib.sha256(f"demo {what} {size.seed} {name}".encode()).digest())
