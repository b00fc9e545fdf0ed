"""What happens when somebody has logged in, whichever way they came: the guest they were goes on as the member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

import msgspec

from duoline import attribution, orders
from duoline.channels.http.sessions import Member
from duoline.channels.http.writes import Write
from duoline.flows import earn_points
from duoline.members import guests, phones, profile
from duoline.members import sessions as member_sessions
from duoline.stores.types import StoreCard

if TYPE_CHECKING:
    from duoline.kernel.db import Tx
    from duoline.stores.directory import Chain


class Me(msgspec.Struct):
    """Who this session belongs to."""

    id: UUID
    kind: Literal["guest", "member"]
    display_name: str
    phone_masked: str | None
    locale: str
    home_store: StoreCard | None


async def go_on(
    tx: Tx, *, write: Write, guest: Member | None, member_id: UUID, owner_id: UUID, is_new: bool, secret: str
) -> None:
    """Give the member what the visitor had: cart, orders and what brought them here.

    `guest` is the visitor's session where it is a guest's, and ends. `owner_id` has the number or account that was
    proved: another id when that member was merged into `member_id`. `is_new` when the log-in made the member.
    """
    if guest is not None:
        await orders.adopt_cart(tx, guest.id, member_id)
        await guests.adopt(tx, guest_id=guest.id, member_id=owner_id)
        await member_sessions.end(tx, guest.token)
    device = write.known_device()
    if device is not None:
        key = attribution.device_key(device, secret=secret)
        await attribution.carry(tx, device_id=key, member_id=member_id)
    if is_new:
        await attribution.signed_up(tx, member_id=member_id)
        await earn_points.earn_nothing_so_far(tx, member_id)


def guest_of(member: Member | None) -> Member | None:
    """The session's owner, if they are a guest."""
    return member if member is not None and member.kind == "guest" else None


def me_of(found: profile.Profile, chain: Chain) -> Me:
    """What is shown to a session of its owner."""
    home = chain.stores.get(found.home_store_id) if found.home_store_id is not None else None
    return Me(
        id=found.id,
        kind="guest" if found.kind == "guest" else "member",
        display_name=found.display_name,
        phone_masked=phones.masked(found.phone),
        locale=found.locale,
        home_store=None if home is None else chain.card(home),
    )
