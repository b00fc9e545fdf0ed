"""One timeline of a member: everything that every touchpoint, till and desk has written of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from litestar import get
from litestar.params import QueryParameter

from duoline.channels.console.member_scope import reached, shop_of, tier_of
from duoline.channels.console.member_shapes import TimelineItem
from duoline.channels.console.staff_scope import logins_of
from duoline.channels.http import cursors, doors, partners
from duoline.channels.http.answers import Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.flows.member_history import Kind, Place, history_of
from duoline.kernel.db import Database
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import consents
from duoline.members.group import head_of
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope


@get("/api/console/members/{member_id:uuid}/timeline", opt=doors.staff("members.read", member_id="customer"))
async def show_timeline(
    db: Database,
    staff: Staff,
    chain: Chain,
    member_id: UUID,
    kind: Annotated[Literal[""] | Kind, QueryParameter(description="Only what happened to these.")] = "",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[TimelineItem]:
    """Everything that happened, the last first; of orders, guides and codes, those of one's shops.

    What members have said, earned, merged and paid in is shown as far as their page shows it; favourites of those who
    agreed to profiling.
    """
    scope = staff.scope("members.read")
    seen = await reached(db, scope, member_id)
    if partners.of_a_partner(chain, staff):
        # Who was merged has a history with who they are now, who must have agreed too.
        for one in {member_id, await head_of(db, member_id)}:
            await consents.ensure_allowed(db, one, "sharing", door="console.member-timeline")
    before = Place(*cursors.unpack(cursor, datetime, UUID, int)) if cursor else None
    page = await history_of(db, member_id, seen.ids, scope, kind=kind, before=before, limit=limit)
    following = cursors.pack(*page.following) if page.following else None
    logins = await logins_of(db, staff, chain, (row["guide_id"] for row in page.rows))
    pages = Pages(logins, staff.scope("touchpoints.read"), settles=staff.scope("settlement.read").everything)
    return Page([_item(row, chain, scope, pages) for row in page.rows], following)


class Pages(NamedTuple):
    """What the reader may open from a timeline: colleagues by log-in, touchpoints of their shops, who is paid."""

    logins: dict[UUID, str]
    touchpoints: Scope
    settles: bool


def _item(row: Any, chain: Chain, scope: Scope, pages: Pages) -> TimelineItem:
    kind, behind = row["kind"], row["behind"]
    tiers, met = kind == "tier", kind in ("scan", "share")
    earned = kind == "commission" and pages.settles
    return TimelineItem(
        id=row["id"],
        at=row["at"],
        kind=kind,
        event=row["event"],
        order_id=row["order_id"],
        order_no=row["order_no"],
        amount=None if row["amount_minor"] is None else Money(row["amount_minor"]),
        store=shop_of(chain, row["place"]) if row["place"] in scope else None,
        before=tier_of(row["before"]) if tiers and row["before"] else None,
        tier=tier_of(row["what"]) if tiers else None,
        points=row["points"],
        what="" if tiers else row["what"] or "",
        source=row["source"] or "",
        name=None if row["names"] is None else Text(*row["names"]).filled,
        guide=row["guide"],
        guide_login=pages.logins.get(row["guide_id"]),
        other=row["other_id"],
        touchpoint=behind if met and (pages.touchpoints.everything or row["place"] in pages.touchpoints) else None,
        payee=behind if earned and row["event"] == "earned" else None,
        statement=behind if earned and row["event"] == "paid" else None,
        by=row["by"],
        reason=row["reason"] or "",
    )


ROUTES = [show_timeline]
