"""Keep a unit for who scanned and favourited it in a shop, and give it back before its time.

Keeping has two phases, as placing: the keys that are counted by are locked first and the limits checked; then the
level, under whose lock the unit is granted (`inventory.grant`), so nothing is promised twice. Order of locks:
idempotency key → favourites' keys (in order) → level.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from duoline import favourites, inventory
from duoline.favourites import KeptUnit
from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import ensure
from duoline.kernel.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from duoline.favourites import FavouriteHoldPolicy, Keeper, TooManyKept
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx
    from duoline.stores.types import Store

Outcome = Literal["kept", "none_left", "left_for_others", "not_here"]


class Keeping(NamedTuple):
    """What came of asking for a unit: kept (also if it was kept already), or why not. None of these is an error."""

    outcome: Outcome
    unit: KeptUnit | None


async def keep(
    tx: Tx, *, keeper: Keeper, favourite_id: UUID, sku_id: UUID, store: Store, actor: Actor
) -> Keeping | TooManyKept:
    """Keep one unit of the SKU at the shop for the member, for as long as the policy and history say.

    A unit that is kept for them there already stays as it is, with its old end. Over a limit, `favourites.too-many` is
    *returned*, so that the favourite itself is committed. Needs no lock held; takes those named above.
    """
    policy = favourites.FAVOURITE_HOLD.current().body
    if not policy.on or store.kind != "store" or not store.active:
        return Keeping("not_here", None)
    await favourites.lock_keys(tx, keeper)
    for unit in await favourites.kept_of(tx, keeper.member_id, store.id, [sku_id]):
        if unit.until > clock.now():  # one whose time is over waits for the sweeper
            return Keeping("kept", unit)
    refused = await favourites.check_limits(tx, keeper, policy)
    if refused is not None:
        return refused
    outcome = await _spare(tx, policy, store.id, sku_id)
    if outcome != "kept":
        return Keeping(outcome, None)
    kept = await _grant(tx, policy, keeper, favourite_id, sku_id, store, actor)
    return Keeping("none_left", None) if kept is None else Keeping("kept", kept)


async def _spare(tx: Tx, policy: FavouriteHoldPolicy, location_id: UUID, sku_id: UUID) -> Outcome:
    """Whether the level can spare one unit more for favourites. Locks the level."""
    found = await inventory.lock_levels(tx, [(location_id, sku_id)])
    level = found.get((location_id, sku_id))
    sold = await tx.fetchval("SELECT duo_listed(product_id, $2) FROM skus WHERE id = $1", sku_id, location_id)
    if level is None or not sold:
        return "none_left"
    free = inventory.available(on_hand=level.on_hand, held=level.held, safety=level.safety)
    if free < 1:
        return "none_left"
    kept: int = await tx.fetchval(
        """SELECT coalesce(sum(quantity), 0)::integer FROM holds
           WHERE location_id = $1 AND sku_id = $2 AND state = 'open' AND ref_kind = $3""",
        location_id,
        sku_id,
        favourites.REF_KIND,
    )
    if kept >= max(1, level.on_hand * policy.share_percent // 100) or (free == 1 and not policy.last_unit):
        return "left_for_others"
    return "kept"


async def _grant(
    tx: Tx,
    policy: FavouriteHoldPolicy,
    keeper: Keeper,
    favourite_id: UUID,
    sku_id: UUID,
    store: Store,
    actor: Actor,
) -> KeptUnit | None:
    now = clock.now()
    minutes = await favourites.minutes_for(tx, policy, location_id=store.id, sku_id=sku_id)
    unit = KeptUnit(store.id, new_id(), sku_id, now + timedelta(minutes=minutes))
    wish = inventory.Wish(unit.hold_id, 1, favourites.REF_KIND, favourite_id, unit.until, actor.label, "")
    (answer,) = await inventory.grant(tx, store.id, sku_id, [wish])
    if not answer.granted:
        return None
    await tx.execute(
        """INSERT INTO favourite_holds
             (location_id, id, sku_id, member_id, favourite_id, device_id, address_id, minutes, given_at, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        store.id,
        unit.hold_id,
        sku_id,
        keeper.member_id,
        favourite_id,
        keeper.device_id,
        keeper.address_id,
        minutes,
        now,
        unit.until,
    )
    await audit.record(
        tx,
        actor=actor,
        action="favourite.keep",
        subject_kind="sku",
        subject=str(sku_id),
        store_id=store.id,
        before={"available": answer.available},
        after={"available": answer.available - 1, "hold_id": str(unit.hold_id), "units": 1, "until": unit.until},
    )
    await _tell(tx, store.id, sku_id)
    return unit


async def give_up(
    tx: Tx, *, units: Sequence[KeptUnit], actor: Actor, reason: str = "", action: str = "favourite.give-up"
) -> list[KeptUnit]:
    """Give kept units back before their time, shop by shop in order. Those that have ended already are passed over."""
    given = []
    for location_id in sorted({unit.location_id for unit in units}):
        here = {unit.hold_id: unit for unit in units if unit.location_id == location_id}
        for each in await inventory.release(tx, location_id=location_id, hold_ids=list(here), actor=actor):
            await audit.record(
                tx,
                actor=actor,
                action=action,
                subject_kind="sku",
                subject=str(each.sku_id),
                reason=reason,
                store_id=location_id,
                before={"hold_id": str(each.hold_id), "units": each.quantity, "until": here[each.hold_id].until},
            )
            await _tell(tx, location_id, each.sku_id)
            given.append(here[each.hold_id])
    return given


async def use_at_till(
    tx: Tx, *, location_id: UUID, demand: Sequence[inventory.Need], member_id: UUID, order_id: UUID, actor: Actor
) -> int:
    """The member buys at the till what is kept for them there: gives those units back for the sale that follows in the
    same transaction. Locks every level of the sale, in order, before it gives any back. Returns how many units.
    """
    kept = await favourites.kept_of(tx, member_id, location_id, [need.sku_id for need in demand])
    if not kept:
        return 0
    await inventory.lock_levels(tx, [(need.location_id, need.sku_id) for need in demand])
    uses = favourites.use_kept(
        [favourites.Wished(need.sku_id, need.quantity, location_id) for need in demand], kept, sending=frozenset()
    )
    wanted = [use.unit.hold_id for use in uses]
    released = await inventory.release(tx, location_id=location_id, hold_ids=wanted, actor=actor)
    await favourites.mark_used(
        tx, location_id=location_id, hold_ids=[each.hold_id for each in released], order_id=order_id
    )
    ensure(len(released) <= sum(need.quantity for need in demand), "FAV-1", "more units given back than are sold")
    return len(released)


async def _tell(tx: Tx, location_id: UUID, sku_id: UUID) -> None:
    await outbox.emit(
        tx,
        topic="stock.kept",
        key=str(sku_id),
        payload={"sku_id": str(sku_id)},
        family="stock",
        owner_id=location_id,
        store_ids=[location_id],
    )
