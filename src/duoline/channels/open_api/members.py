"""A member's whole history, for another system, in one call."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import loyalty, wallet
from duoline.channels.http import cursors, doors, limits
from duoline.channels.http.answers import Answer, Input, answer
from duoline.channels.http.sessions import System
from duoline.channels.http.writes import Write
from duoline.flows import tell_system
from duoline.flows.member_history import Kind, Place, history_of
from duoline.flows.member_relations import Relation, relations_of
from duoline.kernel import clock
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Forbidden, NotFound
from duoline.kernel.money import Money
from duoline.kernel.text import Text
from duoline.members import consents
from duoline.members.policy import TIERS
from duoline.stores.directory import Chain
from duoline.stores.rights import EVERYWHERE
from duoline.stores.system_keys import Purpose

# A system that copies members over is slowed down, one that asks when somebody calls is not.
CALLS = limits.Limit(1200, 600)

IdentityKind = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(id|phone|card_no|mail|wechat_openid|wechat_unionid|marketplace:[a-z0-9_-]{1,30})$",
        description="What is known of the member: `id`, `phone`, `card_no`, `mail`, `wechat_openid`, `wechat_unionid`,"
        " or a marketplace's buyer id (`marketplace:<name>`).",
    ),
]


class Known(Input, frozen=True):
    """By what the member is looked for; it goes into the body, so that no log of addresses has it."""

    kind: IdentityKind
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class HistoryQuestion(Input, frozen=True):
    """Whose history, for which purpose, and which page of it: `cursor` is `next` of the answer before."""

    identity: Known
    purpose: Purpose
    kind: Literal[""] | Kind = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=400)] | None = None


class Shop(msgspec.Struct, frozen=True):
    """A shop by code and name."""

    code: str
    name: Text


class Identified(msgspec.Struct, frozen=True):
    """What says who the member is, by where it came from and since when; `alone` when it is nobody else's."""

    kind: str
    value: str
    source: str
    since: datetime
    alone: bool


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Who the member is now; `ids` are all that events of other pages may have known them by."""

    id: UUID
    ids: list[UUID]
    name: str
    phone: str | None
    locale: str
    since: datetime
    tier: str
    tier_name: Text
    tier_lapses_at: datetime | None
    home_store: Shop | None
    identities: list[Identified]


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Points by what may be done with them, and what is in the wallet: paid in, and given on top."""

    points_spendable: int
    points_waiting: int
    points_owed: int
    wallet_principal: Money
    wallet_bonus: Money


class Agreement(msgspec.Struct, frozen=True):
    """A purpose, whether it counts now, and when and to which version of its text the member spoke last."""

    purpose: str
    granted: bool
    since: datetime | None
    text_version: int | None


class Tie(msgspec.Struct, frozen=True, kw_only=True):
    """A relation with its start, source and end; `until_at` null is still so.

    `guide` and `store`: who looks after the member; `home`: the shop they named, without a recorded start;
    `brought_by`: whom or what they had met when they signed up; `brought`: a member who came by their link.
    """

    kind: Literal["guide", "store", "home", "brought_by", "brought"]
    staff_id: UUID | None
    staff_name: str
    member_id: UUID | None
    store: Shop | None
    source: str
    from_at: datetime | None
    until_at: datetime | None
    ended_because: str
    rule_version: int | None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event; docs/guides/other-systems.md has the words of `kind`, `event`, `what` and `source`."""

    id: UUID
    at: datetime
    kind: Kind
    event: str
    order_no: str | None
    amount: Money | None
    points: int | None
    store: Shop | None
    before: str
    what: str
    source: str
    name: Text | None
    staff_id: UUID | None
    member_id: UUID | None
    reason: str


class MemberHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A member and a page of what happened to them, the last first; `next` is the cursor of the following page."""

    member: Profile
    balances: Balances
    consents: list[Agreement]
    relations: list[Tie]
    events: list[Happened]
    next: str | None


@post("/api/open/members/history", opt=doors.system("members.history"), status_code=200)
async def tell_history(
    write: Write, db: Database, system: System, chain: Chain, data: HistoryQuestion
) -> Answer[MemberHistory]:
    """A member by anything that is known of them: profile, balances, consents, relations, and all that happened.

    The key must be for the stated purpose; for any but `service` the member must have agreed to it. Each call stands
    in the audit log. Answers are not stored: a repeat is answered anew. Refuses, in order: `kernel.forbidden` for a
    purpose that is not the key's, `members.bad-phone`, `kernel.not-found`, `members.no-consent`.
    """
    del write  # takes part in the rule that every POST names its key
    CALLS.check(str(system.id))
    if data.purpose not in system.purposes:
        raise Forbidden(permission=data.purpose)
    before = Place(*cursors.unpack(data.cursor, datetime, UUID, int)) if data.cursor else None
    async with db.begin() as tx:
        member_id = await _wanted(tx, data.identity)
        told = await tell_system.told(tx, member_id, purpose=data.purpose, actor=system.actor)
        page = await history_of(tx, told.id, told.ids, EVERYWHERE, kind=data.kind, before=before, limit=data.limit)
        found = MemberHistory(
            member=_profile(told, chain),
            balances=await _balances(tx, told),
            consents=[
                Agreement(one.text.purpose, one.granted, one.since, one.text_version)
                for one in await consents.standings(tx, told.id)
            ],
            relations=[_tie(one, chain) for one in await relations_of(tx, told.ids, EVERYWHERE, now=clock.now())],
            events=[_happened(row, chain) for row in page.rows],
            next=cursors.pack(*page.following) if page.following else None,
        )
    return answer(found, headers=[(b"cache-control", b"no-store")])


async def _wanted(tx: Tx, known: Known) -> UUID:
    if known.kind != "id":
        return await tell_system.member_by(tx, known.kind, known.value)
    try:
        return UUID(known.value)
    except ValueError:
        raise NotFound(kind="member") from None


def _profile(told: tell_system.Told, chain: Chain) -> Profile:
    row, tier = told.row, told.row["tier"]
    named = next((one.name for one in TIERS.current().body.tiers if one.code == tier), Text(tier, tier))
    return Profile(
        id=told.id,
        ids=told.ids,
        name=row["display_name"],
        phone=row["phone"],
        locale=row["locale"],
        since=row["created_at"],
        tier=tier,
        tier_name=named.filled,
        tier_lapses_at=row["tier_lapses_at"],
        home_store=_shop(chain, row["home_store_id"]),
        identities=[
            Identified(one["kind"], one["value"], one["source"], one["since"], one["alone"]) for one in told.identities
        ],
    )


async def _balances(tx: Tx, told: tell_system.Told) -> Balances:
    points = await loyalty.balance_of_group(tx, told.ids)
    stored = await wallet.balance_of(tx, told.ids[0])  # of the person, under whichever of their ids it stands
    return Balances(
        points_spendable=points.spendable,
        points_waiting=points.pending,
        points_owed=points.owed,
        wallet_principal=Money(stored.principal),
        wallet_bonus=Money(stored.bonus),
    )


def _tie(one: Relation, chain: Chain) -> Tie:
    return Tie(
        kind=one.kind,
        staff_id=one.person_id,
        staff_name=one.person,
        member_id=one.member_id,
        store=_shop(chain, one.place),
        source=one.source,
        from_at=one.from_at,
        until_at=one.until_at,
        ended_because=one.ended_because,
        rule_version=one.rule_version,
    )


def _happened(row: Any, chain: Chain) -> Happened:
    return Happened(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        event=row["event"],
        order_no=row["order_no"],
        amount=None if row["amount_minor"] is None else Money(row["amount_minor"]),
        points=row["points"],
        store=_shop(chain, row["place"]),
        before=row["before"] or "",
        what=row["what"] or "",
        source=row["source"] or "",
        name=None if row["names"] is None else Text(*row["names"]).filled,
        staff_id=row["guide_id"],
        member_id=row["other_id"],
        reason=row["reason"] or "",
    )


def _shop(chain: Chain, store_id: UUID | None) -> Shop | None:
    store = chain.stores.get(store_id) if store_id is not None else None
    return None if store is None else Shop(store.code, Text(store.name.zh, store.name.en))


ROUTES = [tell_history]
