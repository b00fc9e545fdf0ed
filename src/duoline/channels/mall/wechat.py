"""Logging in by WeChat, and whose WeChat account a member's is: begun here, back from WeChat, linked, ended.

The browser leaves with a state that is bound to it, and comes back to the mall's page `/login/wechat` with a code,
which that page hands in. WeChat is asked whose code it is before any transaction; a code is good once, so a repeat
under the same key is answered from what was stored, and anything else has to begin anew.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, delete, get, post

from duoline.channels.http import doors, limits, sessions
from duoline.channels.http.answers import Answer, Input
from duoline.channels.http.sessions import Member, Visitor
from duoline.channels.http.writes import Write
from duoline.channels.mall import wechat_way
from duoline.channels.mall.account import LOG_INS_BY_ADDRESS, MemberSession
from duoline.channels.mall.entering import go_on, guest_of, me_of
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.members import profile, sign_in, wechat
from duoline.members.errors import WechatRefused
from duoline.members.wechat import Place, WechatAccount
from duoline.stores.directory import Chain

STARTS_BY_ADDRESS = limits.Limit(120, 600)
BACK = "/login/wechat"

LocalPath = Annotated[str, msgspec.Meta(pattern=r"^/(?![/\\])[^\s\\\x00-\x1f]*$(?!\n)", max_length=300)]
"""A page of the mall: nothing that a browser takes for another site's address."""

AnyRequest = Request[Any, Any, Any]


class WechatStanding(msgspec.Struct):
    """Whether a member can log in by WeChat in WeChat's own browser and in others, and whether an account is theirs."""

    inside: bool
    outside: bool
    linked: bool


class WechatStart(Input, frozen=True):
    """In which kind of browser, and which page of the mall to come back to."""

    place: Place
    next: LocalPath | None = None


class WechatAddress(msgspec.Struct):
    """Where the browser goes now."""

    address: str


class WechatReturn(Input, frozen=True):
    """What the browser came back with."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    state: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class WechatOutcome(msgspec.Struct):
    """What became of it.

    `entered`: logged in, as `session` says. `phone_needed`: the account is nobody's yet; log in with a number and
    `wechat` within ten minutes, and it is theirs. To a member who was logged in: `linked`, or not, because it is
    somebody else's (`taken`) or they have another one (`second`).
    """

    outcome: Literal["entered", "phone_needed", "linked", "taken", "second"]
    session: MemberSession | None = None


@get("/api/mall/wechat", opt=doors.visitor())
async def wechat_standing(db: Database, visitor: Visitor) -> WechatStanding:
    """Where logging in by WeChat is offered, and whether mine is linked."""
    offered, member = wechat.places(), visitor.member
    linked = member is not None and member.kind == "member" and await sign_in.is_linked(db, member.id)
    return WechatStanding("inside" in offered, "outside" in offered, linked)


@post("/api/mall/wechat-starts", opt=doors.visitor(), status_code=201)
async def start_wechat(
    request: AnyRequest, write: Write, visitor: Visitor, settings: Settings, data: WechatStart
) -> Answer[WechatAddress]:
    """Begin to log in by WeChat, or, logged in, to link an account.

    503 `members.wechat-off` where it is not offered.
    """
    STARTS_BY_ADDRESS.check(limits.address_of(request))
    back = settings.public_url + BACK + (f"?{urlencode({'next': data.next})}" if data.next else "")
    state = wechat_way.begin(request, write, settings, place=data.place, member_id=_known(visitor))
    address = wechat.wechat().address(data.place, back=back, state=state)

    async def work(_tx: Tx) -> WechatAddress:
        return WechatAddress(address)

    return await write.run(work, status=201)


@post("/api/mall/wechat-sessions", opt=doors.visitor(), status_code=200)
async def create_wechat_session(
    request: AnyRequest,
    write: Write,
    visitor: Visitor,
    settings: Settings,
    chain: Chain,
    data: WechatReturn,
) -> Answer[WechatOutcome]:
    """Back from WeChat: log in, or link the account to who is logged in.

    422 `members.wechat-refused` when this browser did not begin it, too long ago, or the code is used up.
    """
    stored = await write.replay()
    if stored is not None:
        return stored
    LOG_INS_BY_ADDRESS.check(limits.address_of(request))
    links_of = _known(visitor)
    place = links_of and wechat_way.begun(request, settings, data.state, member_id=links_of)
    if not place:  # begun before anybody was logged in here
        links_of = None
        place = wechat_way.begun(request, settings, data.state, member_id=None)
    if not place:
        raise WechatRefused
    account = await wechat.wechat().who(place, data.code)

    async def work(tx: Tx) -> WechatOutcome:
        if links_of is not None:
            return WechatOutcome(await sign_in.link(tx, member_id=links_of, account=account))
        return await _enter(request, tx, write, visitor, settings, chain, account)

    answer = await write.run(work)
    if visitor.member is not None:
        sessions.forget(visitor.member.id)
    return answer


async def _enter(
    request: AnyRequest,
    tx: Tx,
    write: Write,
    visitor: Visitor,
    settings: Settings,
    chain: Chain,
    account: WechatAccount,
) -> WechatOutcome:
    token, shown = write.new_session("member")
    entered = await sign_in.sign_in(tx, account=account, token=token)
    if entered is None:
        wechat_way.keep_proof(request, write, settings, account)
        return WechatOutcome("phone_needed")
    await go_on(
        tx,
        write=write,
        guest=guest_of(visitor.member),
        member_id=entered.member_id,
        owner_id=entered.owner_id,
        is_new=False,
        secret=settings.secret,
    )
    return WechatOutcome("entered", MemberSession(shown, me_of(await profile.profile(tx, entered.member_id), chain)))


@delete("/api/mall/wechat", opt=doors.member(known=True), status_code=204)
async def unlink_wechat(write: Write, member: Member) -> Answer[None]:
    """Let no WeChat account be mine any more. 409 `members.last-way-in` for who has no number."""

    async def work(tx: Tx) -> None:
        await sign_in.unlink(tx, member_id=member.id, actor=member.actor)

    return await write.run(work, status=204)


def _known(visitor: Visitor) -> UUID | None:
    """Who is logged in, by their id; None for guests and nobody."""
    return visitor.member.id if visitor.member is not None and visitor.member.kind == "member" else None


ROUTES = [wechat_standing, start_wechat, create_wechat_session, unlink_wechat]
