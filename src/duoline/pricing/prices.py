"""Prices: the one read, and the verbs that set and end one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import asyncpg

from duoline.kernel import audit, clock
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.money import Money
from duoline.pricing import announce
from duoline.pricing.errors import BadPrice, ChainsToSet, CompanysToSet, PriceOutsideLimits, PriceOverlap
from duoline.pricing.rights import CHAINS, Limits, PriceRight, Side, limits_of
from duoline.pricing.timeline import EVER, Span, change

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Database, Tx

CHAIN = UUID(int=0)
PRICE_MAX = 100_000_000_000


class Price(NamedTuple):
    """A price in force, whose it is, and the tier of members it is for (none: everybody)."""

    price_minor: int
    currency: str
    scope: str
    tier: str = ""


async def price_of(
    db: Database | Tx,
    sku_id: UUID,
    *,
    store_id: UUID | None,
    region_ids: Sequence[UUID],
    channel: str,
    tier: str,
    at: datetime,
) -> Price | None:
    """The price of a SKU for a store (or none), channel, tier and instant; None when it has none.

    `region_ids` runs from the store's region upwards. The rule itself is `duo_price`, which every other read
    of a price uses too.
    """
    row = await db.fetchrow(
        "SELECT price_minor, currency, scope, tier FROM duo_price($1, $2, $3, $4, $5, $6)",
        sku_id,
        store_id,
        list(region_ids),
        channel,
        at,
        tier,
    )
    return None if row is None else Price(*row)


async def chain_prices(db: Database | Tx, sku_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, tuple[int, str]]:
    """What the whole chain asks for SKUs over the counter, in minor units and currency: to value stock by. SKUs without
    such a price are absent."""
    rows = await db.fetch(
        """SELECT s.id, p.price_minor, p.currency FROM unnest($1::uuid[]) AS s(id),
                  LATERAL duo_price(s.id, NULL, '{}', 'till', $2) p""",
        list(sku_ids),
        at,
    )
    return {row["id"]: (row["price_minor"], row["currency"]) for row in rows}


async def set_price(
    tx: Tx,
    *,
    sku_id: UUID,
    scope: str,
    scope_id: UUID,
    price_minor: int,
    currency: str,
    valid_from: datetime,
    valid_until: datetime | None,
    channel: str,
    reason: str,
    actor: Actor,
    by: Side,
    right: PriceRight,
    tier: str = "",
) -> UUID:
    """Set a price from one instant to another (or open), for everybody or a tier. An open price of the same scope,
    channel and tier that began before it gives way for that time and holds again afterwards; anything else that
    overlaps is refused.

    `by` is the side that sets it, `right` whose the prices of the shop are; those of the chain and of regions are
    always the chain's. Locks the prices of the SKU, scope, channel and tier. Refuses `pricing.companys-to-set`
    or `pricing.chains-to-set`, `pricing.bad-price`, `pricing.outside-limits`, then `pricing.overlap`.
    """
    right = _check_right(scope, by, right)
    if not 0 <= price_minor <= PRICE_MAX or (valid_until is not None and valid_until <= valid_from):
        raise BadPrice
    limits = await limits_at(tx, sku_id, right, channel=channel, since=valid_from, until=valid_until)
    if price_minor not in limits:
        least, most = (None if minor is None else Money(minor, currency) for minor in limits)
        raise PriceOutsideLimits(least=least, most=most)
    line = await _line(tx, sku_id, scope_id, channel, tier)
    new = Span(valid_from, valid_until or EVER, price_minor, currency, reason)
    covered = [span for span in line if span.starts < new.ends and span.ends > new.starts]
    if any(span.ends != EVER or span.starts >= new.starts for span in covered):
        raise PriceOverlap
    steps = change(covered, sorted([new, *_around(covered, new)]))
    for span in steps.shorten:
        await tx.execute("UPDATE prices SET valid = tstzrange(lower(valid), $2) WHERE id = $1", span.id, _until(span))
    price_id = new_id()
    try:
        async with tx.transaction():
            for span in [new, *(span for span in steps.add if span.starts != new.starts)]:
                await tx.execute(
                    """INSERT INTO prices (id, sku_id, scope, scope_id, channel, tier, price_minor, currency, valid,
                                           reason, actor_id, created_at)
                       VALUES ($1, $2, $3, $4, $5, $13, $6, $7, tstzrange($8, $9), $10, $11, $12)""",
                    price_id if span is new else new_id(),
                    sku_id,
                    scope,
                    scope_id,
                    channel,
                    span.price_minor,
                    span.currency,
                    span.starts,
                    _until(span),
                    span.reason,
                    actor.id,
                    clock.now(),
                    tier,
                )
    except asyncpg.ExclusionViolationError as error:
        raise PriceOverlap from error  # somebody else set the first price of this scope at the same moment
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound from error
    await announce.tell_later(tx, [valid_from, valid_until])
    await _trace(
        tx,
        actor=actor,
        action="price.set",
        sku_id=sku_id,
        reason=reason,
        store_id=scope_id if scope == "store" else None,
        before={"price_minor": covered[0].price_minor} if covered else None,
        after={
            "price_minor": price_minor,
            "scope": scope,
            "scope_id": str(scope_id),
            "by": by,
            "tier": tier,
            "from": valid_from.isoformat(),
            "until": valid_until.isoformat() if valid_until else None,
        },
    )
    return price_id


def _check_right(scope: str, by: Side, right: PriceRight) -> PriceRight:
    """Whose a price of this scope is. Refuses where it is not the side's."""
    right = right if scope == "store" else CHAINS
    if by != right.holder:
        raise CompanysToSet if right.holder == "company" else ChainsToSet
    return right


async def limits_at(
    db: Database | Tx, sku_id: UUID, right: PriceRight, *, channel: str, since: datetime, until: datetime | None
) -> Limits:
    """Between which prices the holder of a right may choose for a SKU and time, by what the chain asks meanwhile."""
    rows = await db.fetch(
        """SELECT price_minor FROM prices WHERE sku_id = $1 AND scope = 'chain' AND tier = ''
              AND channel IN ('*', $2) AND valid && tstzrange($3, $4)""",
        sku_id,
        channel,
        since,
        until,
    )
    return limits_of(right, [row["price_minor"] for row in rows])


async def _line(tx: Tx, sku_id: UUID, scope_id: UUID, channel: str, tier: str) -> list[Span]:
    """The stored prices of one SKU, scope, channel and tier in order of time, locked."""
    rows = await tx.fetch(
        """SELECT lower(valid) AS starts, upper(valid) AS ends, price_minor, currency, reason, id FROM prices
           WHERE sku_id = $1 AND scope_id = $2 AND channel = $3 AND tier = $4 ORDER BY lower(valid) FOR UPDATE""",
        sku_id,
        scope_id,
        channel,
        tier,
    )
    return [Span(row[0], row[1] or EVER, *row[2:]) for row in rows]


def _around(covered: Sequence[Span], new: Span) -> list[Span]:
    """What is left of an open price on either side of a new one."""
    sides = []
    for span in covered:
        sides.append(span._replace(ends=new.starts))
        if new.ends != EVER:
            sides.append(span._replace(starts=new.ends, id=None))
    return sides


def _until(span: Span) -> datetime | None:
    return None if span.ends == EVER else span.ends


async def end_price(
    tx: Tx, *, price_id: UUID, at: datetime, reason: str, actor: Actor, by: Side, right: PriceRight
) -> None:
    """End a price at an instant; one that has not begun is removed. What was charged stays on the orders.

    A price that was cut in two by this one holds again at once, so that no gap opens between its parts.
    Locks the prices of its SKU, scope, channel and tier. Refuses `kernel.not-found`, then
    `pricing.companys-to-set` or `pricing.chains-to-set`.
    """
    row = await tx.fetchrow("SELECT sku_id, scope, scope_id, channel, tier FROM prices WHERE id = $1", price_id)
    line = await _line(tx, row["sku_id"], row["scope_id"], row["channel"], row["tier"]) if row else []
    ended = next((span for span in line if span.id == price_id), None)
    if row is None or ended is None:
        raise NotFound
    _check_right(row["scope"], by, right)
    if ended.ends <= at:
        return  # it has ended by itself
    begun = ended.starts < at
    if begun:
        await tx.execute("UPDATE prices SET valid = tstzrange(lower(valid), $2) WHERE id = $1", price_id, at)
    else:
        await tx.execute("DELETE FROM prices WHERE id = $1", price_id)
    before = next((span for span in line if span.ends == ended.starts), None)
    after = next((span for span in line if span.starts == ended.ends), None)
    if before and after and (before.price_minor, before.currency) == (after.price_minor, after.currency):
        if begun:
            await tx.execute("UPDATE prices SET valid = tstzrange($2, upper(valid)) WHERE id = $1", after.id, at)
        else:
            await tx.execute("DELETE FROM prices WHERE id = $1", after.id)
            await tx.execute(
                "UPDATE prices SET valid = tstzrange(lower(valid), $2) WHERE id = $1", before.id, _until(after)
            )
    await _trace(
        tx,
        actor=actor,
        action="price.end",
        sku_id=row["sku_id"],
        reason=reason,
        store_id=row["scope_id"] if row["scope"] == "store" else None,
        before={"price_minor": ended.price_minor, "scope": row["scope"]},
        after={"by": by},
    )


async def _trace(
    tx: Tx,
    *,
    actor: Actor,
    action: str,
    sku_id: UUID,
    reason: str,
    store_id: UUID | None,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    await audit.record(
        tx,
        actor=actor,
        action=action,
        subject_kind="sku",
        subject=str(sku_id),
        store_id=store_id,
        reason=reason,
        before=before,
        after=after,
    )
    await announce.tell(tx, [sku_id])
