"""What a page inside WeChat needs so that WeChat's menu sends it well: the signature WeChat believes, and whose link.

An address is signed as the browser has it, so that only this site's own are: else any page could pass for ours. Of who
looks at the page only their own code is told, to themselves; see `attribution/standing.py` for the links made of it.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter

from duoline import attribution
from duoline.attribution import Owner, wechat, wechat_keys, wechat_sign
from duoline.channels.http import doors, limits, site
from duoline.channels.http.answers import Answer
from duoline.channels.http.sessions import Member, Visitor, staff_session
from duoline.channels.http.shares import OwnCode
from duoline.channels.http.writes import Write
from duoline.kernel import clock, ids
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx

SIGNATURES_BY_ADDRESS = limits.Limit(1200, 600)
"""Pages that one network address opens inside WeChat: phones of a whole quarter share one."""
ADDRESS = r"^https?://[^\s#\\\x00-\x20\x7f]+$(?!\n)"
NONCE_LENGTH = 16

AnyRequest = Request[Any, Any, Any]
PageAddress = Annotated[str, Parameter(pattern=ADDRESS, max_length=2000)]
Sent = Annotated[str | None, Parameter(max_length=20)]


class WechatConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What WeChat's script is told; `script` is where it is."""

    script: str
    app_id: str
    timestamp: int
    nonce: str
    signature: str


class WechatMenu(msgspec.Struct, frozen=True, kw_only=True):
    """For WeChat's menu. `config` is null where WeChat is off.

    `own` is the code that the page's link is made of: that of the member who asks, null for who has none yet or is no
    member, or of the clerk who is logged in in this browser and opened the page by it (`t`). `mine` whether `t` is a
    share of theirs.
    """

    config: WechatConfig | None
    own: str | None = None
    mine: bool = False


@get("/api/mall/wechat-menu", opt=doors.visitor(address=doors.SHARED, t=doors.SHARED))
async def wechat_menu(
    request: AnyRequest, settings: Settings, db: Database, visitor: Visitor, address: PageAddress, t: Sent = None
) -> WechatMenu:
    """Sign the address of a page of this site, without its fragment, for WeChat's script.

    422 `attribution.foreign-page` for an address of another site. 503 when WeChat gives nothing to sign by.
    """
    SIGNATURES_BY_ADDRESS.check(limits.address_of(request))
    if not address.startswith(site.front_of(request, settings) + "/"):
        raise attribution.ForeignPage
    asked = wechat.sharing()
    if asked is None:
        return WechatMenu(config=None)
    signed = wechat_sign.sign(
        await wechat_keys.ticket(db),
        address,
        nonce=ids.code(NONCE_LENGTH),
        timestamp=int(clock.now().timestamp()),
    )
    member = visitor.member if visitor.member is not None and visitor.member.kind == "member" else None
    opened_by = await _own_share(request, db, member, t)
    if opened_by is not None and opened_by.target == attribution.OWN:
        own: str | None = opened_by.code
    else:
        own = await attribution.own_code(db, member.ids) if member else None
    return WechatMenu(
        config=WechatConfig(
            script=asked.script,
            app_id=asked.app_id,
            timestamp=signed.timestamp,
            nonce=signed.nonce,
            signature=signed.signature,
        ),
        own=own,
        mine=opened_by is not None and opened_by.target != attribution.OWN,
    )


async def _own_share(
    request: AnyRequest, db: Database, member: Member | None, sent: str | None
) -> attribution.Touchpoint | None:
    """What a page was opened by, if it is the reader's own: a share of theirs, or their own code."""
    code = attribution.tidy(sent) if sent else None
    found = await attribution.coded(db, code) if code else None
    if found is None or found.kind != "share" or found.ended_at is not None:
        return None
    if member is not None and found.owner.id in member.ids:
        return found
    staff = await staff_session(request) if found.owner.kind == "staff" else None
    return found if staff is not None and staff.id == found.owner.id else None


@post("/api/mall/own-code", opt=doors.member(known=True), status_code=200)
async def make_own_code(settings: Settings, write: Write, member: Member) -> Answer[OwnCode]:
    """My code, made when I need it first. Repeating it gives the same."""
    device = attribution.device_key(write.device(), secret=settings.secret)

    async def work(tx: Tx) -> OwnCode:
        known = await attribution.own_code(tx, member.ids)
        if known is not None:
            return OwnCode(known)
        owner = Owner("member", member.id)
        return OwnCode(await attribution.make_own_code(tx, owner=owner, actor=member.actor, device_id=device))

    return await write.run(work)


ROUTES = [wechat_menu, make_own_code]
