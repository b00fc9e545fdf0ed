"""The shop's drawers: open with a float, pay in and out, count and close; what each came to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import get, post

from duoline import payments
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.clerk.till import DrawerName
from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Input, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.flows import drawer_view
from duoline.flows.drawer_view import DrawerView
from duoline.kernel.db import Database, Tx
from duoline.kernel.errors import BadInput, Refusal
from duoline.kernel.money import Money, minor_of
from duoline.stores.directory import Chain
from duoline.stores.rights import Scope

AMOUNT_MAX = 100_000_000
"""A million yuan: nobody has as much in a drawer."""

OPT = doors.staff("sell", session_id="drawer")
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]


class NewDrawer(Input, frozen=True):
    """A drawer to open, and what was counted into it."""

    store: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    float: Money
    drawer: DrawerName = payments.MAIN


class Float(Input, frozen=True):
    """What lay in a drawer that opened by itself."""

    float: Money


class ByHand(Input, frozen=True):
    """Cash put into the drawer or taken out of it, and why."""

    kind: Literal["paid_in", "paid_out"]
    amount: Money
    reason: Reason


class Count(Input, frozen=True):
    """What was counted. A large difference needs a note."""

    counted: Money
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


@get("/api/clerk/drawers", opt=doors.staff("sell", store="store"))
async def list_open(db: Database, staff: Staff, chain: Chain, store: StoreCode) -> Page[DrawerView]:
    """The drawers that are open at the shop, the oldest first."""
    return Page(await drawer_view.open_at(db, chain, staff.store(store, "sell").id))


@get("/api/clerk/drawer-sessions", opt=doors.staff("sell", store="store"))
async def list_past(
    db: Database, staff: Staff, chain: Chain, store: StoreCode, limit: Limit = 20, cursor: Cursor = None
) -> Page[DrawerView]:
    """Drawers of the shop that were counted and closed, the newest first."""
    shop = staff.store(store, "sell")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    found = await drawer_view.sessions(
        db,
        chain,
        Scope(everything=False, store_ids=frozenset({shop.id})),
        which="closed",
        location_id=shop.id,
        before=(before[0], before[1]) if before else None,
        limit=limit + 1,
    )
    shown = found[:limit]
    return Page(shown, cursors.pack(shown[-1].opened_at, shown[-1].id) if len(found) > limit else None)


@post("/api/clerk/drawer-sessions", opt=doors.staff("sell", store="store"))
async def open_drawer(write: Write, staff: Staff, chain: Chain, data: NewDrawer) -> Answer[DrawerView]:
    """Open a drawer with its float. Refuses `payments.drawer-open`."""
    location = staff.store(data.store, "sell").id
    float_minor = _amount(data.float, "float", least=0)

    async def work(tx: Tx) -> DrawerView:
        session_id = await payments.open_drawer(
            tx, location, drawer=data.drawer, float_minor=float_minor, actor=staff.actor
        )
        return await drawer_view.session_of(tx, chain, location, session_id)

    return await write.run(work, status=201)


@get("/api/clerk/drawer-sessions/{session_id:uuid}", opt=OPT)
async def read_session(db: Database, staff: Staff, chain: Chain, session_id: UUID) -> DrawerView:
    """One drawer from its float to its count."""
    location = await drawer_view.locate(db, session_id, staff.scope("sell"))
    return await drawer_view.session_of(db, chain, location, session_id)


@post("/api/clerk/drawer-sessions/{session_id:uuid}/float", opt=OPT, status_code=200)
async def set_float(
    write: Write, db: Database, staff: Staff, chain: Chain, session_id: UUID, data: Float
) -> Answer[DrawerView]:
    """Say, once, what lay in a drawer that opened by itself. Refuses `payments.float-known`."""
    location = await drawer_view.locate(db, session_id, staff.scope("sell"))
    float_minor = _amount(data.float, "float", least=0)

    async def work(tx: Tx) -> DrawerView:
        await payments.set_float(tx, location, session_id, float_minor=float_minor, actor=staff.actor)
        return await drawer_view.session_of(tx, chain, location, session_id)

    return await write.run(work)


@post("/api/clerk/drawer-sessions/{session_id:uuid}/payments", opt=OPT)
async def pay_by_hand(
    write: Write, db: Database, staff: Staff, chain: Chain, session_id: UUID, data: ByHand
) -> Answer[DrawerView]:
    """Put cash into an open drawer or take it out, for a reason. Refuses `payments.drawer-too-little`."""
    location = await drawer_view.locate(db, session_id, staff.scope("sell"))
    amount_minor = _amount(data.amount, "amount", least=1)

    async def work(tx: Tx) -> DrawerView:
        await payments.pay_by_hand(
            tx,
            location,
            session_id,
            kind=data.kind,
            amount_minor=amount_minor,
            reason=data.reason.strip(),
            actor=staff.actor,
        )
        return await drawer_view.session_of(tx, chain, location, session_id)

    return await write.run(work, status=201)


@post("/api/clerk/drawer-sessions/{session_id:uuid}/closing", opt=OPT, status_code=200)
async def close_drawer(
    write: Write, db: Database, staff: Staff, chain: Chain, session_id: UUID, data: Count
) -> Answer[DrawerView]:
    """Close a drawer with what was counted; only now is it told what should have been there.

    Refuses `payments.drawer-difference`, without saying how far off the count is, when it needs a note.
    """
    location = await drawer_view.locate(db, session_id, staff.scope("sell"))
    counted_minor = _amount(data.counted, "counted", least=0)

    async def work(tx: Tx) -> DrawerView | Refusal:
        done = await payments.close_drawer(
            tx, location, session_id, counted_minor=counted_minor, note=data.note.strip(), actor=staff.actor
        )
        if isinstance(done, Refusal):
            return done
        return await drawer_view.session_of(tx, chain, location, session_id)

    return await write.run(work)


def _amount(given: Money, field: str, *, least: int) -> int:
    """The minor units of cash that somebody counted. Refuses `money.wrong-currency`, `kernel.bad-input`."""
    minor = minor_of(given)
    if not least <= minor <= AMOUNT_MAX:
        raise BadInput(
            problems=[
                {
                    "field": field,
                    "zh": f"金额要在 {Money(least)} 到 {Money(AMOUNT_MAX)} 之间。",
                    "en": f"An amount from {Money(least)} to {Money(AMOUNT_MAX)}.",
                }
            ]
        )
    return minor


ROUTES = [list_open, list_past, open_drawer, read_session, set_float, pay_by_hand, close_drawer]
