"""New units: stores and distribution centres, regions, companies."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import asyncpg
import msgspec

from duoline.kernel import audit, clock, outbox
from duoline.kernel.errors import NotFound
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text
from duoline.stores import hours
from duoline.stores.errors import CodeTaken, RegionCycle
from duoline.stores.hours import Span
from duoline.stores.types import Services

if TYPE_CHECKING:
    from duoline.kernel.auth import Actor
    from duoline.kernel.db import Tx


class NewStore(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a location is made of. `week` is seven days from Monday."""

    code: str
    kind: Literal["store", "dc"]
    company_id: UUID
    region_id: UUID
    name: Text
    address: Text
    province: str
    city: str
    phone: str
    lat: float
    lon: float
    timezone: str
    week: list[list[Span]]
    services: Services
    pick_capacity_hour: int
    pickup_lead_min: int
    state: Literal["draft", "open", "closed"]
    opened_on: date | None


async def open_store(tx: Tx, *, actor: Actor, new: NewStore, reason: str) -> UUID:
    """Add a store or distribution centre; its id is also its location id.

    Refusals: `BadInput` for hours or a time zone that are none, `CodeTaken`.
    """
    hours.check_week(new.week)
    hours.check_timezone(new.timezone)
    store_id = new_id()
    await _insert(
        tx,
        "stores",
        new.code,
        {
            "id": store_id,
            "code": new.code,
            "kind": new.kind,
            "company_id": new.company_id,
            "region_id": new.region_id,
            "name_zh": new.name.zh,
            "name_en": new.name.en,
            "address_zh": new.address.zh,
            "address_en": new.address.en,
            "province": new.province,
            "city": new.city,
            "phone": new.phone,
            "lat": new.lat,
            "lon": new.lon,
            "timezone": new.timezone,
            "hours": [hours.stored(day) for day in new.week],
            "pickup": new.services.pickup,
            "ship": new.services.ship,
            "returns": new.services.returns,
            "pick_capacity_hour": new.pick_capacity_hour,
            "pickup_lead_min": new.pickup_lead_min,
            "state": new.state,
            "opened_on": new.opened_on,
            "updated_at": clock.now(),
        },
    )
    await audit.record(
        tx,
        actor=actor,
        action="store.opened",
        subject_kind="store",
        subject=new.code,
        store_id=store_id,
        reason=reason,
        after=new,
    )
    await _tell(tx, "stores.store-opened", new.code, store_id)
    return store_id


async def open_region(tx: Tx, *, actor: Actor, code: str, parent_id: UUID | None, name: Text, reason: str) -> UUID:
    """Add a region under another (or at the top). Refuses with `CodeTaken`."""
    region_id = new_id()
    row = {"id": region_id, "code": code, "parent_id": parent_id, "name_zh": name.zh, "name_en": name.en}
    await _insert(tx, "regions", code, row)
    await _record(tx, actor, "region.opened", "region", code, reason, after=row)
    return region_id


async def change_region(
    tx: Tx, *, actor: Actor, region_id: UUID, parent_id: UUID | None, name: Text, reason: str
) -> None:
    """Rename or move a region. Locks the tree, so that two moves cannot close a circle between them.

    Refusals: `NotFound`, `RegionCycle`.
    """
    rows = await tx.fetch("SELECT id, code, parent_id, name_zh, name_en FROM regions ORDER BY id FOR UPDATE")
    by_id = {row["id"]: row for row in rows}
    if region_id not in by_id or (parent_id is not None and parent_id not in by_id):
        raise NotFound(kind="region")
    above = parent_id
    while above is not None:
        if above == region_id:
            raise RegionCycle
        above = by_id[above]["parent_id"]
    await tx.execute(
        "UPDATE regions SET parent_id = $2, name_zh = $3, name_en = $4 WHERE id = $1",
        region_id,
        parent_id,
        name.zh,
        name.en,
    )
    before = dict(by_id[region_id])
    after = before | {"parent_id": parent_id, "name_zh": name.zh, "name_en": name.en}
    await _record(tx, actor, "region.changed", "region", before["code"], reason, before=before, after=after)


async def open_company(
    tx: Tx, *, actor: Actor, code: str, kind: Literal["headquarters", "franchisee"], name: Text, reason: str
) -> UUID:
    """Add a company that owns stores. Refuses with `CodeTaken`."""
    company_id = new_id()
    row = {"id": company_id, "code": code, "kind": kind, "name_zh": name.zh, "name_en": name.en}
    await _insert(tx, "companies", code, row)
    await _record(tx, actor, "company.opened", "company", code, reason, after=row)
    return company_id


async def rename_company(tx: Tx, *, actor: Actor, company_id: UUID, name: Text, reason: str) -> None:
    """Give a company another name. Refuses with `NotFound`."""
    before = await tx.fetchrow("SELECT code, name_zh, name_en FROM companies WHERE id = $1 FOR UPDATE", company_id)
    if before is None:
        raise NotFound(kind="company")
    await tx.execute("UPDATE companies SET name_zh = $2, name_en = $3 WHERE id = $1", company_id, name.zh, name.en)
    after = dict(before) | {"name_zh": name.zh, "name_en": name.en}
    await _record(tx, actor, "company.changed", "company", before["code"], reason, before=dict(before), after=after)


async def _insert(tx: Tx, table: str, code: str, row: dict[str, object]) -> None:
    places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    try:
        async with tx.transaction():
            await tx.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())  # noqa: S608 - our own names
    except asyncpg.UniqueViolationError:
        raise CodeTaken(code_taken=code) from None


async def _record(
    tx: Tx,
    actor: Actor,
    action: str,
    kind: str,
    code: str,
    reason: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    await audit.record(
        tx, actor=actor, action=action, subject_kind=kind, subject=code, reason=reason, before=before, after=after
    )
    await outbox.emit(tx, topic="stores.organisation-changed", key=code, payload={"kind": kind, "code": code})


async def _tell(tx: Tx, topic: str, code: str, store_id: UUID) -> None:
    await outbox.emit(tx, topic=topic, key=code, payload={"store_code": code}, store_ids=[store_id])
