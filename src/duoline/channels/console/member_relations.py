"""Whom a member belongs with: guides, shops, who brought them and whom they brought."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import get

from duoline.channels.console.member_scope import reached, shop_of
from duoline.channels.console.member_shapes import ShopOf
from duoline.channels.console.staff_scope import logins_of
from duoline.channels.http import doors, partners
from duoline.channels.http.answers import Page
from duoline.channels.http.sessions import Staff
from duoline.flows.member_relations import RelationKind, one_tie_each, relations_of
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.members import consents
from duoline.members.group import group_of
from duoline.stores.directory import Chain


class MemberRelation(msgspec.Struct, frozen=True, kw_only=True):
    """A tie with its start, source and end; without an end it is still so, unless it `rests`: then another one of the
    same person counts. `person` is somebody on the staff, `other` another member. `login` and `touchpoint` lead to the
    pages of who looks after them and of what brought them, where the reader may open them."""

    kind: RelationKind
    id: UUID
    person: str
    login: str | None
    other: UUID | None
    store: ShopOf | None
    source: str
    from_at: datetime | None
    until_at: datetime | None
    ended_because: str
    rests: bool
    touchpoint: UUID | None


@get("/api/console/members/{member_id:uuid}/relations", opt=doors.staff("members.read", member_id="customer"))
async def list_relations(db: Database, staff: Staff, chain: Chain, member_id: UUID) -> Page[MemberRelation]:
    """Guides and shops of a member, now and before; who brought them and whom they brought, for who sees the chain.

    Of guides and shops those of one's own. At most two hundred of each kind, the newest first.
    """
    scope = staff.scope("members.read")
    seen = await reached(db, scope, member_id)
    group = await group_of(db, member_id)
    if partners.of_a_partner(chain, staff):
        for one in {member_id, group[0]}:
            await consents.ensure_allowed(db, one, "sharing", door="console.member-relations")
    found = one_tie_each(await relations_of(db, list({*seen.ids, *group}), scope, now=clock.now()))
    logins = await logins_of(db, staff, chain, (one.person_id for one in found))
    touchpoints = staff.scope("touchpoints.read")
    return Page(
        [
            MemberRelation(
                kind=one.kind,
                id=one.id,
                person=one.person,
                login=None if one.person_id is None else logins.get(one.person_id),
                other=one.member_id,
                store=shop_of(chain, one.place),
                source=one.source,
                from_at=one.from_at,
                until_at=one.until_at,
                ended_because=one.ended_because,
                rests=one.rests,
                touchpoint=one.id if one.kind == "brought_by" and touchpoints.everything else None,
            )
            for one in found
        ]
    )


ROUTES = [list_relations]
