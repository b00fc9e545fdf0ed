"""A shop, a poster in it, and a member who has met it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from duoline import attribution
from duoline.attribution import NewTouchpoint, Owner, Target, Touchpoint
from duoline.kernel import clock, postgres
from duoline.kernel.auth import SYSTEM
from duoline.kernel.db import Database, Tx
from duoline.kernel.ids import new_id
from duoline.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ZONE = "Asia/Shanghai"


@dataclass
class Place:
    """What the tests of attribution need at hand."""

    store_id: UUID
    poster: Touchpoint
    member_id: UUID


async def add_store(tx: Tx, code: str = "S1") -> UUID:
    """A shop of the headquarters' company."""
    company, region, store = new_id(), new_id(), new_id()
    await tx.execute(
        "INSERT INTO companies (id, code, name_zh, name_en, kind) VALUES ($1, $2, 'C', 'C', 'headquarters')",
        company,
        code,
    )
    await tx.execute("INSERT INTO regions (id, code, name_zh, name_en) VALUES ($1, $2, 'R', 'R')", region, code)
    await tx.execute(
        """INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en, province,
                               city, phone, lat, lon, hours, pick_capacity_hour, pickup_lead_min, updated_at)
           VALUES ($1, $2, 'store', $3, $4, $2, $2, 'A', 'A', 'P', 'C', '0', 31, 121, $5, 20, 30, $6)""",
        store,
        code,
        company,
        region,
        [[["09:00", "21:00"]]] * 7,
        clock.now(),
    )
    return store


async def add_member(tx: Tx, *, kind: str = "member", phone: str | None = None) -> UUID:
    """A member, by phone when one is given."""
    member_id = new_id()
    await tx.execute(
        "INSERT INTO members (member_id, kind, display_name, phone, created_at, tier) VALUES ($1, $2, 'M', $3, $4, $5)",
        member_id,
        kind,
        phone,
        clock.now(),
        "member" if kind == "member" else "",
    )
    if phone is not None:
        await tx.execute("INSERT INTO phone_index (phone, member_id) VALUES ($1, $2)", phone, member_id)
    return member_id


@pytest.fixture
async def place(tx: Tx) -> Place:
    """The place, for verbs."""
    return await build(tx)


@pytest.fixture
async def owner_tx(shared_access: postgres.Access) -> AsyncIterator[Tx]:
    """A transaction of the database's owner, who may spoil what the application may not; rolled back at the end."""
    database = await Database.connect(shared_access.owner_dsn)
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield Tx(connection)
        await transaction.rollback()
    await database.close()


@pytest.fixture
async def owner_place(owner_tx: Tx) -> Place:
    """The place, to be spoilt."""
    return await build(owner_tx)


async def build(tx: Tx) -> Place:
    """A poster that a member scanned, who became one after it."""
    store = await add_store(tx)
    poster = await attribution.make(
        tx,
        NewTouchpoint("poster", Owner("store", store), Text("海报", "Poster"), Target("home"), store_id=store),
        actor=SYSTEM,
    )
    member = await add_member(tx)
    await attribution.scan(tx, poster, via="qr", device_id=new_id(), member_id=member, timezone=ZONE)
    await attribution.signed_up(tx, member_id=member)
    return Place(store, poster, member)
