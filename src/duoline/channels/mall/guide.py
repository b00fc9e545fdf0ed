"""The member's guide: who would become it after a scan, who it is, who it was; questions from the counter; the end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import delete, get, post

from duoline import attribution, loyalty, settlement
from duoline.attribution import Binding
from duoline.channels.http import doors, limits
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.writes import Write
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import NotFound
from duoline.kernel.text import Text
from duoline.stores.directory import Chain

BINDS_BY_MEMBER = limits.Limit(30, 3600)
"""Nobody changes their guide more often than that in an hour."""


Outcome = Literal["binds", "same", "replaces", "keeps"]
_WORDS: dict[type, Outcome] = {
    attribution.Binds: "binds",
    attribution.Same: "same",
    attribution.Replaces: "replaces",
    attribution.Keeps: "keeps",
}


class GuideCard(msgspec.Struct, frozen=True):
    """A guide and their shop; `name` None when the shop itself looks after the member."""

    name: str | None
    store_code: str
    store_name: Text


class GuideOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What confirming comes to. `outcome`: `binds` a new guide; `same` guide already; `replaces` the `current` one;
    `keeps` the current one, who is protected, `until` then at least. `known` when a member is logged in. `points` are
    what the member gets for their first guide ever, none for another; `credited` when the guide gets something too."""

    code: str
    guide: GuideCard
    outcome: Outcome
    current: GuideCard | None
    until: datetime | None
    known: bool
    protect_days: int
    expires_days: int
    points: int
    credited: bool


class MyBinding(msgspec.Struct, frozen=True, kw_only=True):
    """A guide of the member's, from when to when. `expires_at`: then it ends without a purchase."""

    id: UUID
    guide: GuideCard
    source: str
    from_at: datetime
    until_at: datetime | None
    expires_at: datetime | None
    ended_because: str | None


class GuideAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A guide at the counter asks to become the member's. `outcome` is what a yes comes to, as of a `GuideOffer`: where
    it `keeps` the present guide, `until` then at least, it is refused unless the member ends that one first."""

    id: UUID
    guide: GuideCard
    expires_at: datetime
    outcome: Outcome
    until: datetime | None


class MyGuide(msgspec.Struct, frozen=True, kw_only=True):
    """The guide of now, questions that wait for an answer, and those of before. Of who was several members: what each
    of them had; of two guides the one whom orders count for."""

    binding: MyBinding | None
    asks: list[GuideAsk]
    past: list[MyBinding]


class BindInput(Input, frozen=True):
    """The code of the guide, as it was scanned."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=8)]


class AnswerInput(Input, frozen=True):
    """The member's word."""

    accept: bool


@get("/api/mall/guides/{code:str}", opt=doors.visitor(code=doors.SHARED))
async def show_guide(db: Database, chain: Chain, visitor: Visitor, code: str) -> GuideOffer:
    """Whose code this is, and what it would mean to confirm."""
    found = await _guide_code(db, code)
    name = await db.fetchval("SELECT name FROM staff WHERE id = $1 AND state = 'active'", found.owner.id)
    if name is None or found.store_id is None:
        raise attribution.GuideGone
    member = visitor.member if visitor.member and visitor.member.kind == "member" else None
    now = clock.now()
    held = await attribution.binding_as_of(db, member.id, attribution.SCOPE, now) if member else None
    rule = attribution.BINDING.current(now).body
    outcome, until = _comes_to(held, found.owner.id, found.store_id, now)
    had = bool(member and await attribution.history(db, member.id))
    names = await _names(db, [held] if held else [])
    return GuideOffer(
        code=found.code,
        guide=_card(name, found.store_id, chain),
        outcome=outcome,
        current=_card(names.get(held.guide_id), held.store_id, chain) if held else None,
        until=until,
        known=member is not None,
        protect_days=rule.protect_days,
        expires_days=rule.expires_days,
        points=0 if had else loyalty.POINTS.current(now).body.binding,
        credited=not had and settlement.COMMISSION.current(now).body.bringing_minor > 0,
    )


@get("/api/mall/guide", opt=doors.member(known=True))
async def my_guide(db: Database, chain: Chain, member: Member) -> MyGuide:
    """My guide, questions from the counter, and guides of before."""
    return await _mine(db, chain, member.id)


@post("/api/mall/guide", opt=doors.member(known=True, code=doors.SHARED))
async def bind_guide(
    write: Write, settings: Settings, chain: Chain, member: Member, data: BindInput
) -> Answer[MyGuide]:
    """Confirm: from now on this is my guide. Refuses `attribution.guide-gone`, `attribution.own-phone`,
    `attribution.bound-elsewhere`."""
    BINDS_BY_MEMBER.check(str(member.id))
    device = _device(write, settings)

    async def work(tx: Tx) -> MyGuide:
        found = await _guide_code(tx, data.code)
        if found.store_id is None:
            raise NotFound(kind="guide")
        guide = await attribution.guide_at(tx, found.owner.id, found.store_id, chain)
        via = await attribution.met_by(tx, member.ids, device, found.id)
        way = attribution.Way("scan" if via == "qr" else "invitation", found.id, device, found.device_id)
        await attribution.bind(tx, member_id=member.id, guide=guide, way=way, actor=member.actor)
        return await _mine(tx, chain, member.id)

    return await write.run(work, status=201)


@delete("/api/mall/guide", opt=doors.member(known=True), status_code=200)
async def unbind_guide(write: Write, chain: Chain, member: Member) -> Answer[MyGuide]:
    """I want no guide any more."""

    async def work(tx: Tx) -> MyGuide:
        await attribution.unbind(tx, member_id=member.id, actor=member.actor)
        return await _mine(tx, chain, member.id)

    return await write.run(work)


@post("/api/mall/guide-asks/{ask_id:uuid}/answer", opt=doors.member(ask_id="guide_ask"))
async def answer_ask(
    write: Write, settings: Settings, chain: Chain, member: Member, ask_id: UUID, data: AnswerInput
) -> Answer[MyGuide]:
    """Answer a guide who asked at the counter."""
    device = _device(write, settings)

    async def work(tx: Tx) -> MyGuide:
        await attribution.answer(
            tx,
            member_id=member.id,
            ask_id=ask_id,
            accept=data.accept,
            device_id=device,
            actor=member.actor,
            chain=chain,
        )
        return await _mine(tx, chain, member.id)

    return await write.run(work)


def _device(write: Write, settings: Settings) -> UUID:
    return attribution.device_key(write.device(), secret=settings.secret)


async def _guide_code(db: Database | Tx, code: str) -> attribution.Touchpoint:
    tidy = attribution.tidy(code)
    found = await attribution.coded(db, tidy) if tidy else None
    if found is None or found.kind != "guide":
        raise NotFound(kind="guide")
    if found.ended_at is not None:
        raise attribution.TouchpointEnded
    return found


async def _mine(db: Database | Tx, chain: Chain, member_id: UUID) -> MyGuide:
    now = clock.now()
    every = await attribution.history(db, member_id)
    holds = await attribution.binding_as_of(db, member_id, attribution.SCOPE, now)
    asks = await attribution.open_asks(db, member_id)
    names = await _names(db, [*every, *asks])
    shown = [
        MyBinding(
            id=one.id,
            guide=_card(names.get(one.guide_id), one.store_id, chain),
            source=one.source,
            from_at=one.from_at,
            until_at=one.until_at if one.until_at or one.held.lives(now) else one.expires_at,
            expires_at=one.expires_at,
            ended_because=one.ended_because if one.until_at or one.held.lives(now) else "expired",
        )
        for one in every
    ]
    return MyGuide(
        binding=next((one for one in shown if holds is not None and one.id == holds.id), None),
        asks=[_ask(one, holds, _card(names.get(one.guide_id), one.store_id, chain), now) for one in asks],
        past=[one for one in shown if one.until_at is not None],
    )


def _ask(one: attribution.Ask, holds: Binding | None, guide: GuideCard, now: datetime) -> GuideAsk:
    outcome, until = _comes_to(holds, one.guide_id, one.store_id, now)
    return GuideAsk(id=one.id, guide=guide, expires_at=one.expires_at, outcome=outcome, until=until)


def _comes_to(held: Binding | None, guide_id: UUID, store_id: UUID, now: datetime) -> tuple[Outcome, datetime | None]:
    """What a yes to a guide comes to, and until when at least the present one is kept instead."""
    rule = attribution.BINDING.current(now).body
    outcome = attribution.decide(
        held.held if held else None,
        guide_id=guide_id,
        store_id=store_id,
        last_touch=rule.last_touch,
        protect_days=rule.protect_days,
        at=now,
    )
    return _WORDS[type(outcome)], outcome.until if isinstance(outcome, attribution.Keeps) else None


async def _names(db: Database | Tx, of: Iterable[Binding | attribution.Ask]) -> dict[UUID | None, str]:
    ids = {one.guide_id for one in of if one.guide_id is not None}
    if not ids:
        return {}
    rows = await db.fetch("SELECT id, name FROM staff WHERE id = ANY ($1)", sorted(ids))
    return {row["id"]: row["name"] for row in rows}


def _card(name: str | None, store_id: UUID, chain: Chain) -> GuideCard:
    shop = chain.store(store_id)
    return GuideCard(name, shop.code, shop.name)


ROUTES = [show_guide, my_guide, bind_guide, unbind_guide, answer_ask]
