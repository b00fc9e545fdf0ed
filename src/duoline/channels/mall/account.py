"""The visitor's own things: log-in by phone and code, profile, addresses, live updates."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, delete, get, patch, post

from duoline.channels.http import doors, limits, sessions
from duoline.channels.http.answers import Answer, Input, Page
from duoline.channels.http.live import Feed, Frame, Hub
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.writes import Write
from duoline.channels.mall import wechat_way
from duoline.channels.mall.entering import Me, go_on, guest_of, me_of
from duoline.kernel import outbox
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import Refusal
from duoline.kernel.outbox import Event
from duoline.members import addresses, guests, phones, profile, sign_in
from duoline.members import sessions as member_sessions
from duoline.members.addresses import Address, AddressFields
from duoline.members.log_in import log_in
from duoline.members.send_code import send_code
from duoline.stores.directory import Chain

CODES_BY_ADDRESS = limits.Limit(20, 600)
LOG_INS_BY_ADDRESS = limits.Limit(60, 600)


class CodeRequest(Input, frozen=True):
    """Where to send a code. Mainland numbers may come bare."""

    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]


class CodeSent(msgspec.Struct):
    """Until when the code counts, and when another may be asked for."""

    expires_at: datetime
    retry_at: datetime


class LogIn(Input, frozen=True):
    """A phone and the code it received."""

    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    code: Annotated[str, msgspec.Meta(pattern=r"^\s*[0-9]{6}\s*$")]
    wechat: bool = False
    """Whether the WeChat account that this browser has just proved is to be theirs."""


class MemberSession(msgspec.Struct):
    """`token` is for programs (`Authorization: Bearer …`); browsers have it as a cookie already.

    `wechat` says what became of the WeChat account where one was to be linked: `taken` is somebody else's, `second`
    when the member has another one, `expired` when it was proved too long ago. The log-in stands in any case.
    """

    token: str
    member: Me
    wechat: Literal["linked", "taken", "second", "expired"] | None = None


class ProfileChange(Input, frozen=True):
    """What to change; absent fields stay as they are."""

    display_name: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    locale: Literal["zh", "en"] | None = None
    home_store_code: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class NewAddress(AddressFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address and whether it is the one proposed first."""

    is_default: bool = False


class AddressChange(Input, frozen=True):
    """What to change; absent fields stay as they are."""

    name: addresses.Name | None = None
    phone: Annotated[str, msgspec.Meta(min_length=3, max_length=30)] | None = None
    province: addresses.Place | None = None
    city: addresses.Place | None = None
    district: addresses.Place | None = None
    line: addresses.Line | None = None
    lat: addresses.Latitude | None = None
    lon: addresses.Longitude | None = None
    is_default: bool | None = None


@post("/api/mall/login-codes", opt=doors.visitor(phone=doors.SHARED), status_code=202)
async def request_code(
    request: Request[Any, Any, Any], write: Write, settings: Settings, data: CodeRequest
) -> Answer[CodeSent]:
    """Send a one-time code to a phone: it is on its way when this answers.

    One a minute and ten a day for each number, twenty in ten minutes for each network address. 503
    `members.no-sender` when this installation has no gateway for text messages.
    """
    phone = phones.normalise(data.phone)
    locale: Literal["zh", "en"] = "en" if write.language == "en" else "zh"

    async def work(tx: Tx) -> CodeSent:
        CODES_BY_ADDRESS.check(limits.address_of(request))
        made = await send_code(tx, phone=phone, locale=locale, secret=settings.secret)
        return CodeSent(made.expires_at, made.retry_at)

    return await write.run(work, status=202)


@post("/api/mall/sessions", opt=doors.visitor(phone=doors.SHARED))
async def create_session(
    request: Request[Any, Any, Any], write: Write, visitor: Visitor, settings: Settings, chain: Chain, data: LogIn
) -> Answer[MemberSession]:
    """Log in with the code. The cart filled before the log-in is kept.

    With `wechat` the WeChat account of `POST /api/mall/wechat-sessions` that led to nobody becomes the member's.
    """
    LOG_INS_BY_ADDRESS.check(limits.address_of(request))
    phone, guest = phones.normalise(data.phone), guest_of(visitor.member)
    token, shown = write.new_session("member")
    account = wechat_way.proved(request, settings) if data.wechat else None

    async def work(tx: Tx) -> MemberSession | Refusal:
        entered = await log_in(
            tx,
            phone=phone,
            code=data.code.strip(),
            token=token,
            secret=settings.secret,
            guest_id=None if guest is None else guest.id,
            locale=write.language,
        )
        if isinstance(entered, Refusal):
            return entered
        await go_on(
            tx,
            write=write,
            guest=guest,
            member_id=entered.member_id,
            owner_id=entered.phone_of,
            is_new=entered.is_new,
            secret=settings.secret,
        )
        await guests.adopt_of_phone(tx, phone=phone, member_id=entered.phone_of, secret=settings.secret)
        linked = None if account is None else await sign_in.link(tx, member_id=entered.phone_of, account=account)
        if data.wechat:
            wechat_way.forget_proof(write)
        mine = me_of(await profile.profile(tx, entered.member_id), chain)
        return MemberSession(shown, mine, linked or ("expired" if data.wechat else None))

    answer = await write.run(work, status=201)
    if visitor.member is not None:
        sessions.forget(visitor.member.id)
    return answer


@delete("/api/mall/sessions", opt=doors.member(), status_code=204)
async def end_session(write: Write, member: Member) -> Answer[None]:
    """Log out here."""

    async def work(tx: Tx) -> None:
        await member_sessions.end(tx, member.token)
        await outbox.emit(tx, topic="members.sessions-ended", key=str(member.id), payload={})
        write.end_session("member")

    answer = await write.run(work, status=204)
    sessions.forget(member.id)
    return answer


@get("/api/mall/me", opt=doors.member())
async def me(db: Database, member: Member, chain: Chain) -> Me:
    """Who I am here."""
    return me_of(await profile.profile(db, member.id), chain)


@patch("/api/mall/me", opt=doors.member(home_store_code=doors.SHARED))
async def change_me(write: Write, member: Member, chain: Chain, data: ProfileChange) -> Answer[Me]:
    """Change name, language or usual store."""
    home = chain.coded(data.home_store_code) if data.home_store_code is not None else None

    async def work(tx: Tx) -> Me:
        changed = await profile.change(
            tx,
            member.id,
            display_name=None if data.display_name is None else data.display_name.strip(),
            locale=data.locale,
            home_store_id=None if home is None else home.id,
        )
        return me_of(changed, chain)

    answer = await write.run(work)
    sessions.forget(member.id)
    return answer


@get("/api/mall/addresses", opt=doors.member())
async def list_addresses(db: Database, member: Member) -> Page[Address]:
    """My delivery addresses, the default first."""
    return Page(await addresses.of(db, member.id))


@post("/api/mall/addresses", opt=doors.visitor())
async def add_address(write: Write, data: NewAddress) -> Answer[Address]:
    """Add an address."""

    async def work(tx: Tx) -> Address:
        member = await write.member(tx)
        return await addresses.add(tx, member.id, data, is_default=data.is_default)

    return await write.run(work, status=201)


@patch("/api/mall/addresses/{address_id:uuid}", opt=doors.member(address_id="address"))
async def change_address(write: Write, member: Member, address_id: UUID, data: AddressChange) -> Answer[Address]:
    """Change an address. Orders keep the one they were placed with."""

    async def work(tx: Tx) -> Address:
        before = await addresses.get(tx, member.id, address_id)
        given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
        wanted = {name: given.get(name, getattr(before, name)) for name in AddressFields.__struct_fields__}
        return await addresses.change(tx, member.id, address_id, AddressFields(**wanted), is_default=data.is_default)

    return await write.run(work)


@delete("/api/mall/addresses/{address_id:uuid}", opt=doors.member(address_id="address"), status_code=204)
async def remove_address(write: Write, member: Member, address_id: UUID) -> Answer[None]:
    """Delete an address."""

    async def work(tx: Tx) -> None:
        await addresses.remove(tx, member.id, address_id)

    return await write.run(work, status=204)


def _show(event: Event) -> Frame | None:
    if event.topic.startswith("attribution."):
        return Frame("guide", {})
    order_id = event.payload.get("order_id")
    return None if order_id is None else Frame("order", {"order_id": order_id})


FEED = Feed("mall", _show)


@get("/api/mall/events", opt=doors.member())
async def events(request: Request[Any, Any, Any], hub: Hub, member: Member) -> Answer[None]:
    """My orders as they change, as server-sent events `order`; and `guide` when a guide asks, or is another one."""
    return hub.stream(request, FEED, owner=member, member_ids=member.ids)


ROUTES = [
    request_code,
    create_session,
    end_session,
    me,
    change_me,
    list_addresses,
    add_address,
    change_address,
    remove_address,
    events,
]
