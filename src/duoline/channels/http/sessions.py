"""Who is calling: sessions by cookie or bearer token, and what that lets them do.

The guard runs before every handler: it finds the session the handler's door asks for, refuses whom it does not
admit, and refuses writes that another site's page sent with our cookies. Looking a session up costs a query, so it
is remembered for a few seconds in the process; a session ended in another process lives that long at most.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from duoline.channels.http import doors
from duoline.kernel.auth import Actor, token_hash
from duoline.kernel.errors import Forbidden, NotFound, Refusal, Unauthorised, UnknownKey
from duoline.members import sessions as member_sessions
from duoline.members.sessions import MemberRecord
from duoline.stores import directory, rights, system_keys
from duoline.stores import sessions as staff_sessions
from duoline.stores.rights import Scope
from duoline.stores.sessions import StaffRecord
from duoline.stores.types import Grant, Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duoline.kernel.config import Settings
    from duoline.kernel.db import Database

MEMBER_COOKIE = "duoline_member"
STAFF_COOKIE = "duoline_staff"
REMEMBER_S = 5.0
REMEMBER_MAX = 20_000
TOKEN_LENGTH_MAX = 100

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CrossSite(Refusal):
    """A write that a page of another site sent with our cookies."""

    code = "http.cross-site"
    status = 403
    zh = "这个请求来自其他网站,已被拒绝。请在本站页面上操作。"
    en = "This request came from another site's page and was refused. Use the pages of this site."


@dataclass(frozen=True)
class Member:
    """A guest or member with a session."""

    id: UUID
    kind: str
    display_name: str
    locale: str
    token: str
    tier: str = ""
    adopted: tuple[UUID, ...] = ()

    @property
    def actor(self) -> Actor:
        """For what they do themselves."""
        return Actor("member", self.id, self.display_name)

    @property
    def ids(self) -> list[UUID]:
        """Under which ids they have ordered: their own, and those of the guests they were before."""
        return [self.id, *self.adopted]


@dataclass(frozen=True)
class Visitor:
    """Whoever calls a page that needs no session."""

    member: Member | None

    @property
    def tier(self) -> str:
        """The tier of members whose prices they see; none for who is no member."""
        return self.member.tier if self.member else ""


@dataclass(frozen=True)
class Staff:
    """Somebody on the staff with a session."""

    id: UUID
    login: str
    name: str
    grants: tuple[Grant, ...]
    token: str

    @property
    def actor(self) -> Actor:
        """For what they do."""
        return Actor("staff", self.id, self.name)

    @property
    def permissions(self) -> frozenset[str]:
        """Everything they may do somewhere."""
        return rights.permissions(self.grants)

    def may(self, permission: str) -> bool:
        """Whether they may do it somewhere."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Refuse with `Forbidden` unless they may do it somewhere."""
        if not self.may(permission):
            raise Forbidden(permission=permission)

    def scope(self, permission: str) -> Scope:
        """The stores for which they may do it."""
        return rights.scope(self.grants, permission, directory.current())

    def store(self, code: str, permission: str) -> Store:
        """The store of that code, if they may do it there. Refuses with `NotFound`: a store elsewhere is no store."""
        store = directory.current().coded(code)
        if store.id not in self.scope(permission):
            raise NotFound(kind="store", code=code)
        return store

    def reaches(self, store_id: UUID, permission: str) -> None:
        """Refuse with `NotFound` unless they may do it at that location."""
        if store_id not in self.scope(permission):
            raise NotFound


@dataclass(frozen=True)
class System:
    """Another system with a key."""

    id: UUID
    name: str
    rights: frozenset[str]
    purposes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """For what it asks for."""
        return Actor("system", self.id, self.name)


# --- finding the session ------------------------------------------------------------------------

R = TypeVar("R")


class _Remembered(Generic[R]):
    """Answers of the last few seconds, by digest of the token."""

    def __init__(self) -> None:
        self.entries: dict[bytes, tuple[float, R]] = {}

    def get(self, key: bytes) -> R | None:
        entry = self.entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            return None
        return entry[1]

    def put(self, key: bytes, value: R) -> None:
        if len(self.entries) >= REMEMBER_MAX:
            self.entries.clear()
        self.entries[key] = (time.monotonic() + REMEMBER_S, value)

    def forget(self, owner_id: UUID) -> None:
        gone = [key for key, (_, value) in self.entries.items() if getattr(value, "id", None) == owner_id]
        for key in gone:
            del self.entries[key]


_members: _Remembered[MemberRecord] = _Remembered()
_staff: _Remembered[StaffRecord] = _Remembered()


def forget(owner_id: UUID) -> None:
    """Drop what is remembered of somebody's sessions: after log-out, new grants, a new name."""
    _members.forget(owner_id)
    _staff.forget(owner_id)


def forget_all() -> None:
    """Drop everything remembered, for tests that change databases."""
    _members.entries.clear()
    _staff.entries.clear()


def remember(member: Member) -> None:
    """Keep a session that was just begun, so that its first request need not look it up."""
    _members.put(
        token_hash(member.token), MemberRecord(member.id, member.kind, member.display_name, member.locale, member.tier)
    )


async def find_member(db: Database, token: str) -> Member | None:
    """The member of a token, if its session lives."""
    key = token_hash(token)
    record = _members.get(key)
    if record is None:
        record = await member_sessions.find(db, token)
        if record is None:
            return None
        _members.put(key, record)
    return Member(record.id, record.kind, record.display_name, record.locale, token, record.tier, record.adopted)


async def find_staff(db: Database, token: str) -> Staff | None:
    """The staff member of a token, if the session lives."""
    key = token_hash(token)
    record = _staff.get(key)
    if record is None:
        record = await staff_sessions.find(db, token)
        if record is None:
            return None
        _staff.put(key, record)
    return Staff(record.id, record.login, record.name, record.grants, token)


async def alive(db: Database, owners: Iterable[Member | Staff]) -> set[str]:
    """The tokens among these whose sessions live, asked of the database and not of what is remembered."""
    of_members = {token_hash(who.token): who.token for who in owners if isinstance(who, Member)}
    of_staff = {token_hash(who.token): who.token for who in owners if isinstance(who, Staff)}
    living = {of_members[key] for key in await member_sessions.alive(db, of_members)} if of_members else set()
    return living | ({of_staff[key] for key in await staff_sessions.alive(db, of_staff)} if of_staff else set())


def token_of(connection: ASGIConnection[Any, Any, Any, Any], cookie: str) -> str | None:
    """The token of a request: the bearer token if there is one, else the cookie."""
    authorization = connection.headers.get("authorization", "")
    bearer = authorization[:7].lower() == "bearer "
    token = authorization[7:].strip() if bearer else connection.cookies.get(cookie, "")
    return token if 0 < len(token) <= TOKEN_LENGTH_MAX else None


# --- the guard ----------------------------------------------------------------------------------


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Admit or refuse, by the handler's door. Refusals, in order: cross-site, 401, 403."""
    door: doors.Door | None = handler.opt.get(doors.KEY)
    if door is None:
        return  # Litestar's own: the description, answers to OPTIONS; the start checks that all of ours have one
    settings: Settings = connection.app.state.settings
    if door.who == "development" and not settings.development:
        raise NotFound
    scope: dict[str, Any] = connection.scope  # type: ignore[assignment]
    if scope["method"] not in SAFE_METHODS and door.who != "signed":
        refuse_cross_site(connection, settings)
    if door.who == "member":
        who = await member_session(connection)
        if who is None:
            raise Unauthorised
        if door.known and who.kind != "member":
            raise Unauthorised(known=True)
    elif door.who == "staff":
        staff = await staff_session(connection)
        if staff is None:
            raise Unauthorised
        if door.permission is not None:
            staff.require(door.permission)
    elif door.who == "system":
        system = await system_session(connection)
        if system is None:
            raise UnknownKey if token_of(connection, "") else Unauthorised
        if door.permission not in system.rights:
            raise Forbidden(permission=door.permission)


def refuse_cross_site(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> None:
    """Refuse a write that another site's page sent. A bearer token is proof enough: no browser adds one by itself.

    Browsers say where a request comes from (`Sec-Fetch-Site`, `Origin`); programs that say neither have no cookies
    of ours unless somebody put them there. The Idempotency-Key header that every write needs is a second fence,
    because another site's page cannot send it without asking first (CORS), and nobody answers.
    """
    headers = connection.headers
    if headers.get("authorization", "")[:7].lower() == "bearer ":
        return
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise CrossSite
    origin = headers.get("origin")
    if origin is not None and origin != settings.public_url and urlsplit(origin).netloc != headers.get("host"):
        raise CrossSite


async def member_session(connection: ASGIConnection[Any, Any, Any, Any]) -> Member | None:
    """The guest or member of this request, looked up once."""
    scope: dict[str, Any] = connection.scope  # type: ignore[assignment]
    if "duoline.member" not in scope:
        token = token_of(connection, MEMBER_COOKIE)
        scope["duoline.member"] = await find_member(connection.app.state.db, token) if token else None
    found: Member | None = scope["duoline.member"]
    return found


async def staff_session(connection: ASGIConnection[Any, Any, Any, Any]) -> Staff | None:
    """The staff member of this request, looked up once."""
    scope: dict[str, Any] = connection.scope  # type: ignore[assignment]
    if "duoline.staff" not in scope:
        token = token_of(connection, STAFF_COOKIE)
        scope["duoline.staff"] = await find_staff(connection.app.state.db, token) if token else None
    found: Staff | None = scope["duoline.staff"]
    return found


async def system_session(connection: ASGIConnection[Any, Any, Any, Any]) -> System | None:
    """The system whose key this request carries, looked up once; no cookie is one."""
    scope: dict[str, Any] = connection.scope  # type: ignore[assignment]
    if "duoline.system" not in scope:
        token = token_of(connection, "")
        found = await system_keys.find(connection.app.state.db, token) if token else None
        scope["duoline.system"] = found and System(
            found.id, found.name, frozenset(found.rights), frozenset(found.purposes)
        )
    system: System | None = scope["duoline.system"]
    return system


# --- cookies ------------------------------------------------------------------------------------


def set_cookie(name: str, token: str, *, seconds: int, settings: Settings) -> tuple[bytes, bytes]:
    """The header that stores a session in the browser."""
    secure = "; Secure" if settings.public_url.startswith("https:") else ""
    value = f"{name}={token}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return (b"set-cookie", value.encode("ascii"))


def drop_cookie(name: str, settings: Settings) -> tuple[bytes, bytes]:
    """The header that removes it."""
    return set_cookie(name, "", seconds=0, settings=settings)
