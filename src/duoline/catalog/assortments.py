"""Assortments: what shops may sell. Added, changed and ended; what follows is worked out in the same transaction.

A shop that may not sell an article neither shows it as its own, nor hands it to members who collect, nor rings it up.
What lies there may still be sent to others, and everybody in the shop may have it sent home: the whole chain's range
is its cloud shelf.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from duoline.catalog.errors import AssortmentChanged, AssortmentOver
from duoline.kernel import audit, clock, jobs, outbox
from duoline.kernel.errors import BadInput, NotFound, ensure
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

Kind = Literal["only", "never"]
NAMED_MAX = 500
TOPIC = "assortments.set"


class Assortment(NamedTuple):
    """An assortment as stored. `only`: its goods are sold in its places and nowhere else; `never`: not in its places.

    Goods are products, categories with those below, brands; places are shops, and regions with those below.
    """

    id: UUID
    version: int
    name: Text
    kind: Kind
    product_ids: frozenset[UUID]
    category_ids: frozenset[UUID]
    brand_ids: frozenset[UUID]
    store_ids: frozenset[UUID]
    region_ids: frozenset[UUID]
    from_at: datetime
    until_at: datetime | None


_COLUMNS = """id, version, name_zh, name_en, kind, product_ids, category_ids, brand_ids, store_ids, region_ids, from_at,
       until_at"""


def from_row(row: Any) -> Assortment:
    """An assortment of the columns it is stored in."""
    return Assortment(
        row["id"],
        row["version"],
        Text(row["name_zh"], row["name_en"]),
        row["kind"],
        frozenset(row["product_ids"]),
        frozenset(row["category_ids"]),
        frozenset(row["brand_ids"]),
        frozenset(row["store_ids"]),
        frozenset(row["region_ids"]),
        row["from_at"],
        row["until_at"],
    )


async def add(tx: Tx, assortment: Assortment, *, reason: str, actor: Actor) -> None:
    """Keep a new assortment, and what follows from it. Refuses `kernel.bad-input` by field.

    Locks `unlisted`, then the assortments.
    """
    await _check(tx, assortment)
    await _write(tx, assortment, before=None, action="assortment.added", reason=reason, actor=actor)


async def change(tx: Tx, assortment: Assortment, *, reason: str, actor: Actor) -> Assortment:
    """Change an assortment that was read at `assortment.version`; gives it with its next version.

    Locks `unlisted`, then the assortments. Refuses `kernel.not-found`, `catalog.assortment-changed`,
    `catalog.assortment-over`, then `kernel.bad-input` by field.
    """
    before = await _locked(tx, assortment.id, assortment.version)
    changed = assortment._replace(version=before.version + 1)
    await _check(tx, changed)
    await _write(tx, changed, before=before, action="assortment.changed", reason=reason, actor=actor)
    return changed


async def end(tx: Tx, assortment_id: UUID, *, version: int, reason: str, actor: Actor) -> Assortment:
    """End an assortment now; one that has not begun never will. Locks and refusals as `change`."""
    before, now = await _locked(tx, assortment_id, version), clock.now()
    ended = before._replace(version=before.version + 1, from_at=min(before.from_at, now), until_at=now)
    await _write(tx, ended, before=before, action="assortment.ended", reason=reason, actor=actor)
    return ended


async def _locked(tx: Tx, assortment_id: UUID, version: int) -> Assortment:
    # Before the row: working it out writes all of them.
    await tx.execute("LOCK TABLE unlisted IN SHARE ROW EXCLUSIVE MODE")
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM assortments WHERE id = $1 FOR UPDATE",  # noqa: S608 - constants
        assortment_id,
    )
    if row is None:
        raise NotFound(kind="assortment")
    found = from_row(row)
    if found.version != version:
        raise AssortmentChanged(version=found.version)
    if found.until_at is not None and found.until_at <= clock.now():
        raise AssortmentOver
    return found


async def _write(tx: Tx, new: Assortment, *, before: Assortment | None, action: str, reason: str, actor: Actor) -> None:
    now = clock.now()
    await tx.execute(
        f"""INSERT INTO assortments ({_COLUMNS}, reason, actor_id, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            ON CONFLICT (id) DO UPDATE SET
                version = excluded.version, name_zh = excluded.name_zh, name_en = excluded.name_en,
                kind = excluded.kind, product_ids = excluded.product_ids, category_ids = excluded.category_ids,
                brand_ids = excluded.brand_ids, store_ids = excluded.store_ids, region_ids = excluded.region_ids,
                from_at = excluded.from_at, until_at = excluded.until_at, reason = excluded.reason,
                actor_id = excluded.actor_id, updated_at = excluded.updated_at""",  # noqa: S608 - constants
        new.id,
        new.version,
        new.name.zh,
        new.name.en,
        new.kind,
        *(sorted(each) for each in (new.product_ids, new.category_ids, new.brand_ids, new.store_ids, new.region_ids)),
        new.from_at,
        new.until_at,
        reason,
        actor.id,
        now,
    )
    await refresh(tx)
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="assortment",
        subject=str(new.id),
        reason=reason,
        before=None if before is None else plain(before),
        after=plain(new),
    )
    await outbox.emit(tx, topic=TOPIC, key=str(new.id), payload={"id": str(new.id), "version": new.version})


def plain(assortment: Assortment) -> dict[str, Any]:
    """As the audit keeps it."""
    told = assortment._asdict()
    return {name: sorted(map(str, value)) if isinstance(value, frozenset) else value for name, value in told.items()}


async def refresh(tx: Tx) -> int:
    """Work out anew what shops may not sell; returns for how many products it changed. Locks `unlisted`."""
    now = clock.now()
    changed: int = await tx.fetchval("SELECT duo_refresh_unlisted($1, NULL)", now)
    left = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM unlisted) AND NOT EXISTS (SELECT FROM assortments WHERE worked_out_at = $1)", now
    )
    ensure(not left, "CAT-9", "what shops may not sell is worked out as of one instant")
    return changed


@jobs.cron("begin and end assortments", "* * * * *")
async def begin_and_end(db: Database) -> int:
    """Work it out when an assortment has begun or ended lately, or shops or regions may have changed."""
    now = clock.now()
    since = now - timedelta(minutes=3)
    async with db.begin() as tx:
        turned = await tx.fetchval(
            """SELECT EXISTS (SELECT FROM assortments WHERE (from_at > $1 AND from_at <= $2)
                                                         OR (until_at > $1 AND until_at <= $2))
                   OR (EXISTS (SELECT FROM assortments) AND EXISTS (SELECT FROM stores WHERE updated_at > $1))""",
            since,
            now,
        )
        return await refresh(tx) if turned else 0


# --- what may be kept ------------------------------------------------------------------------------


def problems_of(assortment: Assortment) -> Iterator[dict[str, str]]:
    """What of an assortment cannot be kept, by field, in both languages; what it names may still be unknown. Pure."""
    if not (assortment.name.zh.strip() or assortment.name.en.strip()):
        yield {"field": "name", "zh": "请填写名称。", "en": "Give it a name."}
    if not (assortment.product_ids or assortment.category_ids or assortment.brand_ids):
        yield {"field": "goods", "zh": "请选择商品、分类或品牌。", "en": "Choose products, categories or brands."}
    if not (assortment.store_ids or assortment.region_ids):
        yield {"field": "places", "zh": "请选择门店或区域。", "en": "Choose shops or regions."}
    if assortment.until_at is not None and assortment.until_at <= assortment.from_at:
        yield {"field": "until_at", "zh": "结束要晚于开始。", "en": "The end must come after the beginning."}


async def _check(tx: Tx, assortment: Assortment) -> None:
    problems = list(problems_of(assortment))
    if assortment.until_at is not None and assortment.until_at <= clock.now():
        problems.append({"field": "until_at", "zh": "结束时间已经过去。", "en": "This time has passed."})
    if problems:
        raise BadInput(problems=problems)
    for field, table, ids in (
        ("goods.products", "products", assortment.product_ids),
        ("goods.categories", "categories", assortment.category_ids),
        ("goods.brands", "brands", assortment.brand_ids),
        ("places.stores", "stores", assortment.store_ids),
        ("places.regions", "regions", assortment.region_ids),
    ):
        found = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE id = ANY ($1)", list(ids))  # noqa: S608 - ours
        if found < len(ids):
            problems.append({"field": field, "zh": "有一项不存在。", "en": "One of these is not there."})
    if problems:
        raise BadInput(problems=problems)
