"""Favourites: mark, list, forget; and the unit that is kept for who scanned it in a shop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, delete, get, put

from duoline import catalog
from duoline.catalog.errors import NoSuchProduct
from duoline.catalog.types import SkuFacts
from duoline.channels.http import cursors, doors, limits
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page, answer
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.writes import Write
from duoline.channels.mall.cards import StoreCode, cards
from duoline.channels.mall.catalogue_types import ProductCard
from duoline.channels.mall.offer import Offer, chosen, offers
from duoline.favourites import KeptUnit, TooManyKept, forget_favourite, keeper_of, mark_favourite
from duoline.flows import keep as keeping
from duoline.flows.order_view import Image, image_of
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound, Refusal
from duoline.stores.directory import Chain
from duoline.stores.types import StoreCard

ENDED_SHOWN = timedelta(days=2)
"""How long a favourite says that its time in the shop is over."""
MARKS_MAX = 1000

Outcome = Literal["plain", "kept", "log_in", "none_left", "left_for_others", "not_here"]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class NewFavourite(Input, frozen=True):
    """A product to mark. With `scan`, the variant was scanned in the shop `store_code`, and is to be kept there."""

    product_code: Code
    sku_id: UUID | None = None
    store_code: Code | None = None
    scan: bool = False


class HoldClock(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that is kept for the member until then. `delivers` says that the shop also sends it, for nothing."""

    id: UUID
    sku_id: UUID
    sku_code: str
    options: list[dict[str, Any]]
    image: Image | None
    store: StoreCard
    kept_at: datetime
    until: datetime
    collects: bool
    delivers: bool


class EndedClock(msgspec.Struct, frozen=True):
    """A unit was kept there, and its time was over then."""

    store: StoreCard
    at: datetime


class Favourite(msgspec.Struct, frozen=True, kw_only=True):
    """A favourite. Without a `card` the product is no longer sold. `ended` stays two days, while nothing is kept."""

    id: UUID
    product_code: str
    added_at: datetime
    store: StoreCard | None
    sku_id: UUID | None
    card: ProductCard | None
    holds: list[HoldClock]
    ended: EndedClock | None


class Marked(msgspec.Struct, frozen=True):
    """The favourite, and what came of keeping a unit.

    `plain` was no scan; `kept` is kept, also if it was already; `log_in`: only members have units kept; `none_left`:
    the last one is gone; `left_for_others`: the shop keeps the rest for others; `not_here`: this shop keeps nothing.
    """

    favourite: Favourite
    outcome: Outcome


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """That a product is a favourite, for hearts on cards; `until` while one of its variants is kept."""

    id: UUID
    product_code: str
    until: datetime | None


class Marks(msgspec.Struct, frozen=True):
    """Every favourite, in short."""

    items: list[Mark]


@get("/api/mall/favourites", opt=doors.visitor(store=doors.SHARED))
async def list_favourites(
    db: Database,
    visitor: Visitor,
    trade: Trade,
    chain: Chain,
    store: StoreCode = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[Favourite]:
    """The visitor's favourites with prices at the chosen store: those with a unit kept first, then the newest."""
    if visitor.member is None:
        return Page([])
    after = cursors.unpack(cursor, bool, datetime, UUID) if cursor else None
    rows = await db.fetch_filtered(
        """SELECT * FROM (
             SELECT DISTINCT ON (f.product_id) f.*, p.code AS product_code, EXISTS (
               SELECT FROM favourite_holds k JOIN holds h ON h.location_id = k.location_id AND h.id = k.id
               WHERE k.member_id = f.member_id AND k.favourite_id = f.id AND h.state = 'open'
                 AND k.expires_at > $6) AS kept
             FROM favourites f JOIN products p ON p.id = f.product_id
             WHERE f.member_id = ANY ($1) ORDER BY f.product_id, f.member_id = $2 DESC) mine
           WHERE $3::boolean IS NULL OR (mine.kept, mine.added_at, mine.id) < ($3, $4::timestamptz, $5::uuid)
           ORDER BY mine.kept DESC, mine.added_at DESC, mine.id DESC LIMIT $7""",
        visitor.member.ids,
        visitor.member.id,
        *(after or (None, None, None)),
        clock.now(),
        limit + 1,
    )
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        following = cursors.pack(shown[-1]["kept"], shown[-1]["added_at"], shown[-1]["id"])
    return Page(await _views(db, await _offer(trade, chain, store), chain, shown), following)


@get("/api/mall/favourite-marks", opt=doors.visitor())
async def list_marks(db: Database, visitor: Visitor) -> Answer[Marks]:
    """Which products are favourites, the newest thousand: small, for the hearts on cards and pages."""
    if visitor.member is None:
        return answer(Marks([]))
    rows = await db.fetch(
        """SELECT * FROM (
             SELECT DISTINCT ON (f.product_id) f.id, f.added_at, p.code AS product_code,
               (SELECT max(k.expires_at) FROM favourite_holds k
                JOIN holds h ON h.location_id = k.location_id AND h.id = k.id AND h.state = 'open'
                WHERE k.member_id = f.member_id AND k.favourite_id = f.id AND k.expires_at > $3) AS until
             FROM favourites f JOIN products p ON p.id = f.product_id
             WHERE f.member_id = ANY ($1) ORDER BY f.product_id, f.member_id = $2 DESC) mine
           ORDER BY added_at DESC LIMIT $4""",
        visitor.member.ids,
        visitor.member.id,
        clock.now(),
        MARKS_MAX,
    )
    items = [Mark(id=row["id"], product_code=row["product_code"], until=row["until"]) for row in rows]
    return answer(Marks(items), headers=[(b"cache-control", b"no-store")])


@put(
    "/api/mall/favourites",
    opt=doors.visitor(product_code=doors.SHARED, sku_id=doors.SHARED, store_code=doors.SHARED),
)
async def put_favourite(
    request: Request[Any, Any, Any],
    write: Write,
    trade: Trade,
    chain: Chain,
    settings: Settings,
    data: NewFavourite,
) -> Answer[Marked]:
    """Mark a product as a favourite. What was scanned in a shop is kept there for a while, for members who logged in.

    Within the limits of the policy `favourite_hold` (429 `favourites.too-many`; the product is a favourite all the
    same). When no unit can be spared the favourite is a plain one, and `outcome` says why.
    """
    shop = chain.coded(data.store_code) if data.scan and data.store_code else None
    address = limits.address_of(request)
    offer = await _offer(trade, chain, data.store_code)

    async def work(tx: Tx) -> Marked | Refusal:
        product_id, sku_id = await _target(tx, data)
        member = await write.member(tx)
        scanned = shop is not None and sku_id is not None
        favourite_id = await mark_favourite(
            tx,
            member_id=member.id,
            product_id=product_id,
            sku_id=sku_id,
            store_id=shop.id if shop is not None and scanned else None,
        )
        outcome: Outcome = "plain"
        if shop is not None and sku_id is not None and member.kind != "member":
            outcome = "log_in"
        elif shop is not None and sku_id is not None:
            keeper = keeper_of(member.id, write.device(), address, secret=settings.secret)
            came = await keeping.keep(
                tx, keeper=keeper, favourite_id=favourite_id, sku_id=sku_id, store=shop, actor=member.actor
            )
            if isinstance(came, TooManyKept):
                return came
            outcome = came.outcome
        rows = await _rows(tx, [member.id], [favourite_id])
        (view,) = await _views(tx, offer, chain, rows)
        return Marked(view, outcome)

    return await write.run(work)


async def _target(tx: Tx, data: NewFavourite) -> tuple[UUID, UUID | None]:
    """The published product, and the variant: the one named, or the only one there is. Refuses `NoSuchProduct`."""
    row = await tx.fetchrow("SELECT product_id, sku_ids FROM product_docs WHERE code = $1", data.product_code)
    if row is None or (data.sku_id is not None and data.sku_id not in row["sku_ids"]):
        raise NoSuchProduct
    only = row["sku_ids"][0] if len(row["sku_ids"]) == 1 else None
    return row["product_id"], data.sku_id or only


@delete("/api/mall/favourites/{favourite_id:uuid}", opt=doors.member(favourite_id="favourite"), status_code=204)
async def delete_favourite(write: Write, member: Member, favourite_id: UUID) -> Answer[None]:
    """Take a product out of the favourites. What was kept of it is given up."""

    async def work(tx: Tx) -> None:
        gone = await forget_favourite(tx, member_ids=member.ids, favourite_id=favourite_id)
        if not gone:
            raise NotFound
        await keeping.give_up(tx, units=await _kept(tx, member, gone), actor=member.actor)

    return await write.run(work, status=204)


@delete(
    "/api/mall/favourites/{favourite_id:uuid}/hold",
    opt=doors.member(favourite_id="favourite", store=doors.SHARED),
    status_code=200,
)
async def give_up_hold(
    write: Write, member: Member, trade: Trade, chain: Chain, favourite_id: UUID, store: StoreCode = None
) -> Answer[Favourite]:
    """Give up what is kept of a favourite, which stays one. What has ended already is no error."""
    offer = await _offer(trade, chain, store)

    async def work(tx: Tx) -> Favourite:
        rows = await _rows(tx, member.ids, [favourite_id])
        if not rows:
            raise NotFound
        await keeping.give_up(tx, units=await _kept(tx, member, [favourite_id]), actor=member.actor)
        (view,) = await _views(tx, offer, chain, rows)
        return view

    return await write.run(work)


async def _kept(tx: Tx, member: Member, favourite_ids: Sequence[UUID]) -> list[KeptUnit]:
    rows = await tx.fetch(
        """SELECT k.location_id, k.id, k.sku_id, k.expires_at FROM favourite_holds k
           JOIN holds h ON h.location_id = k.location_id AND h.id = k.id AND h.state = 'open'
           WHERE k.member_id = ANY ($1) AND k.favourite_id = ANY ($2)""",
        member.ids,
        list(favourite_ids),
    )
    return [KeptUnit(*row) for row in rows]


async def _rows(tx: Tx, member_ids: Sequence[UUID], favourite_ids: Sequence[UUID]) -> list[Any]:
    return await tx.fetch(
        """SELECT f.*, p.code AS product_code FROM favourites f JOIN products p ON p.id = f.product_id
           WHERE f.member_id = ANY ($1) AND f.id = ANY ($2)""",
        list(member_ids),
        list(favourite_ids),
    )


async def _offer(trade: Trade, chain: Chain, store: str | None) -> Offer:
    """Asked for before a transaction begins, because it may need a connection of its own."""
    return await offers(trade).of(chain, chosen(chain, store), clock.now())


async def _views(db: Database | Tx, offer: Offer, chain: Chain, rows: Sequence[Any]) -> list[Favourite]:
    """Favourites as the faces show them: three statements, however many there are."""
    at = clock.now()
    encoded = await cards(db, offer, [row["product_id"] for row in rows], at)
    found = {card.code: card for card in msgspec.json.decode(b"[%b]" % encoded, type=list[ProductCard])}
    units = await db.fetch(
        """SELECT k.favourite_id, k.location_id, k.id, k.sku_id, k.given_at, k.expires_at,
                  h.state = 'open' AND k.expires_at > $3 AS open,
                  k.order_id IS NULL AND (h.state = 'expired' OR (h.state = 'open' AND k.expires_at <= $3)) AS ended
           FROM favourite_holds k JOIN holds h ON h.location_id = k.location_id AND h.id = k.id
           WHERE k.member_id = ANY ($1) AND k.favourite_id = ANY ($2) AND k.expires_at > $4
           ORDER BY k.expires_at""",
        list({row["member_id"] for row in rows}),
        [row["id"] for row in rows],
        at,
        at - ENDED_SHOWN,
    )
    facts = await catalog.sku_facts(db, {unit["sku_id"] for unit in units if unit["open"]})
    return [_view(row, found.get(row["product_code"]), units, facts, chain, at) for row in rows]


def _view(
    row: Any, card: ProductCard | None, units: Sequence[Any], facts: dict[UUID, SkuFacts], chain: Chain, at: datetime
) -> Favourite:
    mine = [unit for unit in units if unit["favourite_id"] == row["id"]]
    holds = [_clock(unit, facts[unit["sku_id"]], chain, at) for unit in mine if unit["open"]]
    over = [unit for unit in mine if unit["ended"]]
    shop = chain.stores.get(row["store_id"]) if row["store_id"] else None
    return Favourite(
        id=row["id"],
        product_code=row["product_code"],
        added_at=row["added_at"],
        store=chain.card(shop, at=at) if shop else None,
        sku_id=row["sku_id"],
        card=card,
        holds=holds,
        ended=EndedClock(chain.card(chain.store(over[-1]["location_id"]), at=at), over[-1]["expires_at"])
        if over and not holds
        else None,
    )


def _clock(unit: Any, facts: SkuFacts, chain: Chain, at: datetime) -> HoldClock:
    shop = chain.store(unit["location_id"])
    return HoldClock(
        id=unit["id"],
        sku_id=unit["sku_id"],
        sku_code=facts.sku_code,
        options=[msgspec.to_builtins(choice) for choice in facts.options],
        image=image_of(facts.image_sha),
        store=chain.card(shop, at=at),
        kept_at=unit["given_at"],
        until=unit["expires_at"],
        collects=shop.active and shop.services.pickup,
        delivers=shop.active and shop.services.ship and shop.share.cap != 0,
    )


ROUTES = [list_favourites, list_marks, put_favourite, delete_favourite, give_up_hold]
