"""Staff log-in: one session for the clerk's phone and the console."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post
from litestar.params import QueryParameter

from duoline.channels.http import cursors, doors, limits, sessions
from duoline.channels.http.answers import Answer, Cursor, Input, Latitude, Limit, Longitude, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.kernel import outbox
from duoline.kernel.auth import Actor
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Refusal, ensure
from duoline.kernel.text import Text
from duoline.stores import log_in, passwords, rights
from duoline.stores import sessions as staff_sessions
from duoline.stores.access import lock_staff
from duoline.stores.directory import Chain
from duoline.stores.errors import WrongCredentials
from duoline.stores.hire import change
from duoline.stores.types import Grant, Store, StoreCard, UnitKind

LOG_INS_BY_ADDRESS = limits.Limit(60, 600)
STORES_SHOWN = 50

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=passwords.LENGTH_MAX)]


class StaffLogIn(Input, frozen=True):
    """Log-in and password."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    password: Password


class GrantView(msgspec.Struct):
    """A role and the unit it is for, by name."""

    role: str
    unit_kind: str
    unit_id: UUID
    unit_name: Text


class StaffMe(msgspec.Struct):
    """Who I am: roles, the stores they reach, and everything they let me do somewhere.

    `stores` are the first fifty by code; when `store_count` is more, ask `/api/staff/stores` for the others.
    """

    id: UUID
    login: str
    name: str
    grants: list[GrantView]
    stores: list[StoreCard]
    store_count: int
    permissions: list[str]


class StaffSession(msgspec.Struct):
    """`token` is for programs (`Authorization: Bearer …`); browsers have it as a cookie already."""

    token: str
    staff: StaffMe


class PasswordChange(Input, frozen=True):
    """The present password and a new one of ten characters or more."""

    password: Password
    new_password: Password


@post("/api/staff/sessions", opt=doors.visitor(login=doors.SHARED))
async def create_session(
    request: Request[Any, Any, Any], write: Write, db: Database, chain: Chain, data: StaffLogIn
) -> Answer[StaffSession]:
    """Log in. Five wrong passwords lock the log-in for fifteen minutes."""
    LOG_INS_BY_ADDRESS.check(limits.address_of(request))
    stored = await write.replay()
    if stored is not None:
        return stored
    matched = await log_in.verify(db, login=data.login, password=data.password)
    token, shown = write.new_session("staff")

    async def work(tx: Tx) -> StaffSession | Refusal:
        entered = await log_in.log_in(tx, login=data.login, matched=matched, token=token)
        if isinstance(entered, Refusal):
            return entered
        found = await staff_sessions.find(tx, token)
        ensure(found, "STAFF", "a session that was just opened")
        return StaffSession(shown, view(found, chain)) if found is not None else WrongCredentials()

    return await write.run(work, status=201)


@delete("/api/staff/sessions", opt=doors.staff(None), status_code=204)
async def end_session(write: Write, staff: Staff) -> Answer[None]:
    """Log out here."""

    async def work(tx: Tx) -> None:
        await staff_sessions.end(tx, staff.token)
        await outbox.emit(tx, topic="stores.staff-changed", key=str(staff.id), payload={"staff_id": str(staff.id)})
        write.end_session("staff")

    answer = await write.run(work, status=204)
    sessions.forget(staff.id)
    return answer


@get("/api/staff/me", opt=doors.staff(None))
async def me(staff: Staff, chain: Chain) -> StaffMe:
    """Who I am and what I may do."""
    return view(staff, chain)


@get("/api/staff/stores", opt=doors.staff(None, named=doors.SHARED))
async def list_stores(
    staff: Staff,
    chain: Chain,
    q: Search = "",
    named: Annotated[str, QueryParameter(max_length=4000, description="Only these: codes or ids, by commas.")] = "",
    lat: Latitude = None,
    lon: Longitude = None,
    limit: Limit = STORES_SHOWN,
    cursor: Cursor = None,
) -> Page[StoreCard]:
    """The stores my roles are for, by code; with `lat` and `lon` the nearest ones, as many as `limit`.

    `q` looks into code, name and address.
    """
    wanted, words = set(named.split(",")) if named else None, q.lower().split()
    found = [
        store
        for store in reached(staff, chain)
        if (wanted is None or store.code in wanted or str(store.id) in wanted) and _fits(store, words)
    ]
    if lat is not None and lon is not None:
        near = chain.nearest(lat, lon, among=found, limit=limit) if found else []
        return Page([chain.card(store, distance=metres) for metres, store in near], None, len(found))
    after = cursors.unpack(cursor, str)[0] if cursor else ""
    page = [store for store in found if store.code > after][: limit + 1]
    following = cursors.pack(page[limit - 1].code) if len(page) > limit else None
    return Page([chain.card(store) for store in page[:limit]], following, len(found))


def _fits(store: Store, words: list[str]) -> bool:
    text = " ".join((store.code, store.name.zh, store.name.en, store.address.zh, store.address.en)).lower()
    return all(word in text for word in words)


@post("/api/staff/password", opt=doors.staff(None), status_code=204)
async def change_password(write: Write, db: Database, staff: Staff, data: PasswordChange) -> Answer[None]:
    """Replace my password. Every session of mine ends, this one too."""
    stored = await write.replay()
    if stored is not None:
        return stored
    passwords.check(data.new_password, login=staff.login)
    matched = await log_in.verify(db, login=staff.login, password=data.password)
    new_hash = await passwords.hashed(data.new_password)

    async def work(tx: Tx) -> Refusal | None:
        refused = await log_in.recheck(tx, staff_id=staff.id, matched=matched)
        if refused is not None:
            return refused
        record = await lock_staff(tx, staff.id)
        await change(
            tx,
            actor=Actor("staff", staff.id, staff.name),
            record=record,
            name=None,
            state=None,
            password_hash=new_hash,
            reason="own password",
        )
        write.end_session("staff")
        return None

    answer = await write.run(work, status=204)
    sessions.forget(staff.id)
    return answer


def view(staff: Staff | staff_sessions.StaffRecord, chain: Chain) -> StaffMe:
    """Staff as they see themselves."""
    stores = reached(staff, chain)
    return StaffMe(
        id=staff.id,
        login=staff.login,
        name=staff.name,
        grants=[grant_view(grant, chain) for grant in staff.grants],
        stores=[chain.card(store) for store in stores[:STORES_SHOWN]],
        store_count=len(stores),
        permissions=sorted(rights.permissions(staff.grants)),
    )


def reached(staff: Staff | staff_sessions.StaffRecord, chain: Chain) -> list[Store]:
    """The stores that somebody's roles are for, by code."""
    found: set[UUID] = set()
    for grant in staff.grants:
        found |= rights.stores_of(grant.unit_kind, grant.unit_id, chain)
    return sorted((chain.stores[store_id] for store_id in found), key=lambda store: store.code)


def grant_view(grant: Grant, chain: Chain) -> GrantView:
    """A grant with the name of its unit."""
    names: dict[UnitKind, Any] = {
        UnitKind.REGION: chain.regions,
        UnitKind.COMPANY: chain.companies,
        UnitKind.STORE: chain.stores,
    }
    unit = names.get(grant.unit_kind, {}).get(grant.unit_id)
    name = Text("全部门店", "The whole chain") if unit is None else unit.name
    return GrantView(grant.role.value, grant.unit_kind.value, grant.unit_id, name)


ROUTES = [create_session, end_session, me, list_stores, change_password]
