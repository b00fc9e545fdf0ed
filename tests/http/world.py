"""A small chain with staff of every role, and clients that call the application as each of them.

headquarters' company: S1 in the north, S2 in the south, D1 (distribution centre) in the north
franchisee A: S3 in the north; franchisee B: S4 in the south
regions: china > north > north-east (S1, S3), china > south (S2, S4)
"""

from __future__ import annotations

import asyncio
import itertools
import re
import tempfile
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import msgspec

from duoline.channels.http import sessions, writes
from duoline.channels.mall import account, shopping, wechat
from duoline.channels.staff import account as staff_account
from duoline.entry.api import make
from duoline.kernel import clock, jobs, outbox
from duoline.kernel.auth import new_token
from duoline.kernel.config import Settings, from_environment
from duoline.kernel.ids import new_id
from duoline.members import sessions as member_sessions
from duoline.stores import passwords
from duoline.stores import sessions as staff_sessions
from duoline.stores.types import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from litestar import Litestar

    from duoline.kernel.db import Database

WEEK = [[["09:00", "21:00"]]] * 7
PASSWORD = "correct horse battery"
_keys = itertools.count(1)
_hash: list[str] = []

# An application takes four tenths of a second to put together, and touches nothing before it starts. So tests with the
# same settings take turns with one: each starts it on its own database, with its own directory in the place of HOME.
_place = tempfile.TemporaryDirectory(prefix="duoline-world-")
_HOME = Path(_place.name) / "home"
_databases: list[Database] = []


@lru_cache(maxsize=4)
def _application(settings: Settings) -> Litestar:
    return make(settings, database=lambda: nullcontext(_databases[-1]))


def key() -> str:
    """An Idempotency-Key nobody else uses."""
    return f"test-key-{next(_keys):012d}"


@dataclass
class Caller:
    """One kind of caller: headers of its session."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    id: UUID | None = None

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers | options.pop("headers", {}), **options)

    async def write(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        own = {"Idempotency-Key": key if key is not None else globals()["key"]()} | self.headers | (headers or {})
        return await self.client.request(method, path, json=body, headers=own)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.write("POST", path, body, **options)

    async def patch(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.write("PATCH", path, body, **options)

    async def put(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.write("PUT", path, body, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.write("DELETE", path, **options)


@dataclass
class World:
    """What the tests of HTTP need at hand."""

    db: Database
    app: Litestar
    settings: Settings
    stores: dict[str, UUID] = field(default_factory=dict)
    regions: dict[str, UUID] = field(default_factory=dict)
    companies: dict[str, UUID] = field(default_factory=dict)
    staff_ids: dict[str, UUID] = field(default_factory=dict)
    callers: dict[str, Caller] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        """A new browser: its own cookies."""
        # Litestar's ASGI errors must become answers, as in the server.
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    def anonymous(self) -> Caller:
        """Somebody without a session, with cookies of their own."""
        return Caller(self.client(), {})

    def staff(self, login: str) -> Caller:
        """A member of staff with an open session."""
        return self.callers[login]

    async def member(self, phone: str | None = None, *, kind: str = "member") -> Caller:
        """A new member (or guest) with an open session."""
        member_id, token = new_id(), new_token()
        async with self.db.begin() as tx:
            await tx.execute(
                "INSERT INTO members (member_id, kind, display_name, phone, tier, created_at) VALUES ($1, $2, 'M', $3, CASE $2 WHEN 'member' THEN 'member' ELSE '' END, $4)",
                member_id,
                kind,
                phone,
                clock.now(),
            )
            if phone is not None:
                await tx.execute("INSERT INTO phone_index (phone, member_id) VALUES ($1, $2)", phone, member_id)
            await member_sessions.start(tx, member_id=member_id, token=token, lasts=member_sessions.MEMBER_LASTS)
        return Caller(self.client(), {"Authorization": f"Bearer {token}"}, member_id)

    async def code_sent(self, phone: str) -> str:
        """The code that the development inbox received last, once the background has done its work."""
        await self.work("members.send-code")
        answer = await self.anonymous().get("/api/dev/inbox", params={"phone": phone})
        code = answer.json()["items"][0]["code"]
        assert re.fullmatch(r"\d{6}", code)
        return str(code)

    async def work(self, name: str) -> int:
        """Run the jobs of a name that are waiting, whatever their time, as the worker does; returns how many."""
        job = jobs.registered_jobs[name]
        waiting = await self.db.fetch("DELETE FROM pgqueuer.pgqueuer WHERE entrypoint = $1 RETURNING payload", name)
        for row in waiting:
            await job.run(self.db, msgspec.json.decode(row["payload"], type=job.payload_type))
        return len(waiting)

    async def relay(self) -> int:
        """Move what is in the outboxes to the event log, as the worker does."""
        from duoline.kernel import leases

        lease = await leases.take(self.db, "relay", holder_id=UUID(int=1))
        assert lease is not None
        return await outbox.relay_once(self.db, lease)


@asynccontextmanager
async def open_world(db: Database, home: Path, **more: str) -> AsyncIterator[World]:
    """The chain on the database, and the application over it, with its files in `home`; `more` are settings.

    One at a time: who opens another meanwhile would take the files of the first.
    """
    own = {"DUOLINE_HOME": str(_HOME), "DUOLINE_SECRET": "for tests only: " + "x" * 32}
    settings = from_environment(own | more)
    for limit in (
        account.CODES_BY_ADDRESS, account.LOG_INS_BY_ADDRESS, staff_account.LOG_INS_BY_ADDRESS,
        writes.NEW_GUESTS_BY_ADDRESS, shopping.ASKS_BY_MEMBER, wechat.STARTS_BY_ADDRESS,
    ):  # fmt: skip
        limit.forget()
    sessions.forget_all()
    made = World(db, _application(settings), settings)
    await _build(made)
    _HOME.symlink_to(home)
    _databases.append(db)
    try:
        async with running(made.app):
            yield made
    finally:
        _databases.remove(db)
        _HOME.unlink()


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """The application started, in a task of its own as in a server: a fixture may end in another task than it began."""
    up, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            up.set()
            await stop.wait()

    task = asyncio.create_task(live())
    started = asyncio.create_task(up.wait())
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    if task.done():
        await task
    try:
        yield
    finally:
        stop.set()
        await task


async def _build(world: World) -> None:
    db = world.db
    for name, parent in (("china", None), ("north", "china"), ("north-east", "north"), ("south", "china")):
        world.regions[name] = await db.fetchval(
            "INSERT INTO regions (id, code, parent_id, name_zh, name_en) VALUES ($1, $2, $3, $2, $2) RETURNING id",
            new_id(),
            name,
            world.regions.get(parent or ""),
        )
    for code, kind in (("HQ", "headquarters"), ("FA", "franchisee"), ("FB", "franchisee")):
        world.companies[code] = await db.fetchval(
            "INSERT INTO companies (id, code, name_zh, name_en, kind) VALUES ($1, $2, $2, $2, $3) RETURNING id",
            new_id(),
            code,
            kind,
        )
    for code, company, region, lat, lon in (
        ("S1", "HQ", "north-east", 39.90, 116.40),
        ("S2", "HQ", "south", 23.13, 113.26),
        ("S3", "FA", "north-east", 39.92, 116.42),
        ("S4", "FB", "south", 22.54, 114.06),
        ("D1", "HQ", "north", 39.00, 117.20),
    ):
        world.stores[code] = await db.fetchval(
            "INSERT INTO stores (id, code, kind, company_id, region_id, name_zh, name_en, address_zh, address_en,"
            " province, city, phone, lat, lon, hours, pickup, ship, returns, pick_capacity_hour, pickup_lead_min, updated_at)"
            " VALUES ($1, $2, $3, $4, $5, $2, $2, '某路 1 号', '1 Some Road', '某省', '某市', '010-0', $6, $7, $8,"
            " true, true, true, 20, 30, $9) RETURNING id",
            new_id(),
            code,
            "dc" if code.startswith("D") else "store",
            world.companies[company],
            world.regions[region],
            lat,
            lon,
            WEEK,
            clock.now(),
        )
    if not _hash:
        _hash.append(await passwords.hashed(PASSWORD))
    for login, role, unit_kind, unit_id in (
        ("hq", "headquarters", "chain", CHAIN_ID),
        ("north", "region", "region", world.regions["north"]),
        ("south", "region", "region", world.regions["south"]),
        ("manager1", "store", "store", world.stores["S1"]),
        ("manager2", "store", "store", world.stores["S2"]),
        ("clerk1", "clerk", "store", world.stores["S1"]),
        ("clerk2", "clerk", "store", world.stores["S2"]),
        ("franchisee_a", "franchisee", "company", world.companies["FA"]),
        ("franchisee_b", "franchisee", "company", world.companies["FB"]),
    ):
        await _staff(world, login, role, unit_kind, unit_id)


async def _staff(world: World, login: str, role: str, unit_kind: str, unit_id: UUID) -> None:
    staff_id, token, now = new_id(), new_token(), clock.now()
    async with world.db.begin() as tx:
        await tx.execute(
            "INSERT INTO staff (id, login, name, password_hash, created_at, updated_at)"
            " VALUES ($1, $2, $2, $3, $4, $4)",
            staff_id,
            login,
            _hash[0],
            now,
        )
        await tx.execute(
            "INSERT INTO staff_grants (staff_id, role, unit_kind, unit_id, created_at) VALUES ($1, $2, $3, $4, $5)",
            staff_id,
            role,
            unit_kind,
            unit_id,
            now,
        )
        await staff_sessions.start(tx, staff_id=staff_id, token=token)
    world.staff_ids[login] = staff_id
    world.callers[login] = Caller(world.client(), {"Authorization": f"Bearer {token}"}, staff_id)
