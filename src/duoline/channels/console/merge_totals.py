"""What two members have, each and together: shown before somebody says that they are one person, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from litestar import get

from duoline import attribution, loyalty, wallet
from duoline.channels.console.member_scope import reached, shop_of, tier_of
from duoline.channels.console.member_shapes import ShopOf, TierOf
from duoline.channels.http import doors
from duoline.channels.http.sessions import Staff
from duoline.flows import judge_tiers
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.members.group import group_of, person_of
from duoline.members.policy import TIERS
from duoline.stores.directory import Chain

if TYPE_CHECKING:
    from collections.abc import Sequence


class MemberTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has: points to spend (what is owed taken off), what waits, stored value, tier, orders that came to
    something, what was spent within the tiers' window, whose they are (`guide` None with a `guide_shop`: the shop's),
    coupons that can be used."""

    points: int
    pending: int
    wallet: Money
    tier: TierOf
    orders: int
    spent: Money
    guide: str | None
    guide_shop: ShopOf | None
    coupons: int


class MergeTotals(msgspec.Struct, frozen=True):
    """Of who stays, of who becomes the same, and of both together. Of two who are one already all three are alike."""

    kept: MemberTotals
    other: MemberTotals
    together: MemberTotals


class _Of:
    """The ids of a person, or of two who may be one: those that points and coupons are of, and those that bought."""

    def __init__(self, group: Sequence[UUID], person: Sequence[UUID]) -> None:
        self.group, self.person = list(dict.fromkeys(group)), list(dict.fromkeys(person))


# $1 whose coupons, $2 whose orders, $3 now.
_COUNTS = """
SELECT (SELECT count(*)::integer FROM coupons c WHERE c.member_id = ANY ($1) AND c.order_id IS NULL
        AND c.void_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $3)) AS coupons,
       (SELECT count(*)::integer FROM orders o
        WHERE o.member_id = ANY ($2) AND o.state NOT IN ('cancelled', 'expired')) AS orders
"""


@get(
    "/api/console/members/{member_id:uuid}/merges/with/{other_id:uuid}",
    opt=doors.staff("members.edit", member_id="customer", other_id="customer"),
)
async def show_merge_totals(db: Database, staff: Staff, chain: Chain, member_id: UUID, other_id: UUID) -> MergeTotals:
    """What `member_id`, who would stay, and `other_id` have, and what they would have as one. Nothing is changed."""
    scope = staff.scope("members.edit")
    rows = [(await reached(db, scope, one)).row for one in (member_id, other_id)]
    each = [_Of(await group_of(db, one), await person_of(db, one)) for one in (member_id, other_id)]
    both = _Of(each[0].group + each[1].group, each[0].person + each[1].person)
    one = each[0].group[0] == each[1].group[0]
    purses = [(await wallet.balance_of(db, row["member_id"])).total for row in rows]
    spent = [await judge_tiers.spent_of(db, of.group[0]) for of in each]
    ties = [await attribution.binding_as_of(db, of.group[0], attribution.SCOPE, clock.now()) for of in each]
    totals = [
        await _totals(db, chain, of, tier=row["tier"], stored=stored, spent=minor, tie=tie)
        for of, row, stored, minor, tie in zip(each, rows, purses, spent, ties, strict=True)
    ]
    together = await _totals(
        db,
        chain,
        both,
        tier=_better(rows[0]["tier"], rows[1]["tier"], TIERS.current().body.earned(sum(spent))),
        stored=sum(purses),
        spent=sum(spent),
        tie=_first(each[0].group[0], [tie for tie in ties if tie is not None]),
    )
    return MergeTotals(totals[0], totals[1], totals[0] if one else together)


def _better(*tiers: str) -> str:
    """The best of them. A merge takes the better standing, and then what both spent together earns."""
    return max(tiers, key=TIERS.current().body.rank)


def _first(head: UUID, ties: Sequence[attribution.Binding]) -> attribution.Binding | None:
    """Whose they are then, as `duo_binding_at` says it: by the survivor's own binding, else by the latest."""
    return max(ties, key=lambda tie: (tie.member_id == head, tie.from_at, tie.id), default=None)


async def _totals(
    db: Database, chain: Chain, of: _Of, *, tier: str, stored: int, spent: int, tie: attribution.Binding | None
) -> MemberTotals:
    points = await loyalty.balance_of_group(db, of.group)
    counts: Any = await db.fetchrow(_COUNTS, of.group, of.person, clock.now())
    guide = None
    if tie is not None and tie.guide_id is not None:
        guide = await db.fetchval("SELECT name FROM staff WHERE id = $1", tie.guide_id)
    return MemberTotals(
        points=points.spendable - points.owed,
        pending=points.pending,
        wallet=Money(stored),
        tier=tier_of(tier),
        orders=counts["orders"],
        spent=Money(spent),
        guide=guide,
        guide_shop=shop_of(chain, tie.store_id) if tie is not None else None,
        coupons=counts["coupons"],
    )


ROUTES = [show_merge_totals]
