"""Touchpoints are made, lead elsewhere, and end."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import post

from duoline import attribution
from duoline.attribution import NewTouchpoint, Owner, Target
from duoline.channels.console.promotion_shapes import PromotionName
from duoline.channels.console.touchpoint_case import TouchpointCase, touchpoint_case
from duoline.channels.console.touchpoint_rows import PATH, AnyRequest, TouchpointRow, row_of, touchpoint_rows
from duoline.channels.http import doors, site
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel.config import Settings
from duoline.kernel.db import Tx
from duoline.kernel.errors import BadInput, NotFound
from duoline.kernel.text import Text
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope
from duoline.stores.types import CHAIN_ID

PLACES_MAX = 60

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"\S")]
Made = Literal["store", "shelf", "product", "poster", "campaign"]
"""Guides and sharers make their own."""


class TargetInput(Input, frozen=True):
    """Where the code leads: `name` is a code of a product, category or store, or the id of a coupon batch that can be
    claimed; none for the first page."""

    kind: Literal["home", "product", "category", "store", "coupon"]
    name: Annotated[str, msgspec.Meta(max_length=60)] = ""


class NewTouchpointsInput(Input, frozen=True, kw_only=True):
    """Touchpoints to make: one, or one for each of `places` (shelves, windows). Without a store it is the chain's."""

    kind: Made
    name: PromotionName
    target: TargetInput
    store: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    places: Annotated[list[Place], msgspec.Meta(max_length=PLACES_MAX)] = msgspec.field(default_factory=list)
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class EndInput(Input, frozen=True):
    """Why it ends."""

    reason: Reason


class TargetChange(Input, frozen=True):
    """Where it leads from now on, and why."""

    target: TargetInput
    reason: Reason


@post(PATH, opt=doors.staff("touchpoints.edit", store="store"))
async def make_touchpoints(
    request: AnyRequest, settings: Settings, write: Write, staff: Staff, chain: Chain, data: NewTouchpointsInput
) -> Answer[Page[TouchpointRow]]:
    """Make a touchpoint, or one for each place. Whoever does not see the whole chain names a shop of theirs."""
    shop = staff.store(data.store, "touchpoints.edit") if data.store else None
    name = Text(data.name.zh.strip(), data.name.en.strip()).filled
    problems = _problems(data, named=bool(name.zh), chain_wide=staff.scope("touchpoints.edit").everything)
    if problems:
        raise BadInput(problems=problems)
    owner = Owner("store", shop.id) if shop else Owner("chain", CHAIN_ID)
    base = site.front_of(request, settings)

    async def work(tx: Tx) -> Page[TouchpointRow]:
        made = [
            await attribution.make(
                tx,
                NewTouchpoint(
                    kind=data.kind,
                    owner=owner,
                    name=name,
                    target=Target(data.target.kind, data.target.name.strip()),
                    store_id=shop.id if shop else None,
                    place=place.strip(),
                ),
                actor=staff.actor,
                reason=data.reason.strip(),
            )
            for place in data.places or [""]
        ]
        rows = await touchpoint_rows(tx, staff, [one.id for one in made])
        return Page([row_of(row, chain, base) for row in rows])

    return await write.run(work, status=201)


@post(f"{PATH}/{{touchpoint_id:uuid}}/end", opt=doors.staff("touchpoints.edit", touchpoint_id="touchpoint"))
async def end_touchpoint(
    request: AnyRequest,
    settings: Settings,
    write: Write,
    staff: Staff,
    chain: Chain,
    touchpoint_id: UUID,
    data: EndInput,
) -> Answer[TouchpointCase]:
    """From now on the code says that it has ended; what it brought stays."""
    base = site.front_of(request, settings)

    async def work(tx: Tx) -> TouchpointCase:
        found = await attribution.get(tx, touchpoint_id)
        _reach(found, staff.scope("touchpoints.edit"))
        await attribution.end(tx, found.owner.id, found.id, reason=data.reason.strip(), actor=staff.actor)
        return await touchpoint_case(tx, staff, chain, base, touchpoint_id)

    return await write.run(work)


@post(f"{PATH}/{{touchpoint_id:uuid}}/target", opt=doors.staff("touchpoints.edit", touchpoint_id="touchpoint"))
async def redirect_touchpoint(
    request: AnyRequest,
    settings: Settings,
    write: Write,
    staff: Staff,
    chain: Chain,
    touchpoint_id: UUID,
    data: TargetChange,
) -> Answer[TouchpointCase]:
    """The code that hangs there leads to another page. Refuses 404 for a guide's, a label's and what members share,
    whose pages are what they are, and `attribution.touchpoint-ended`."""
    base = site.front_of(request, settings)
    target = Target(data.target.kind, data.target.name.strip())
    if (target.kind == "home") != (not target.name):
        raise BadInput(problems=[_NO_TARGET])

    async def work(tx: Tx) -> TouchpointCase:
        found = await attribution.get(tx, touchpoint_id)
        _reach(found, staff.scope("touchpoints.edit"))
        await attribution.lead_elsewhere(
            tx, found.owner.id, found.id, target, reason=data.reason.strip(), actor=staff.actor
        )
        return await touchpoint_case(tx, staff, chain, base, touchpoint_id)

    return await write.run(work, status=200)


_NO_TARGET = {"field": "target", "zh": "请选择扫码后打开的页面。", "en": "Choose the page it leads to."}


def _reach(found: attribution.Touchpoint, scope: Scope) -> None:
    """Refuse with `NotFound` what belongs to no shop of theirs."""
    if not scope.everything and (found.store_id is None or found.store_id not in scope):
        raise NotFound(kind="touchpoint")


def _problems(data: NewTouchpointsInput, *, named: bool, chain_wide: bool) -> list[dict[str, str]]:
    found = []
    if not named:
        found.append({"field": "name", "zh": "请填写名称。", "en": "Give it a name."})
    if data.store is None and not chain_wide:
        found.append({"field": "store", "zh": "请选择您的门店。", "en": "Choose a shop of yours."})
    if data.store is None and data.kind in ("store", "shelf"):
        found.append({"field": "store", "zh": "这种码要有门店。", "en": "A code of this kind hangs in a shop."})
    if (data.target.kind == "home") != (not data.target.name.strip()):
        found.append(_NO_TARGET)
    return found


ROUTES = [make_touchpoints, end_touchpoint, redirect_touchpoint]
