"""Links that members and clerks share: what is sent, what is shown of one, and a page of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import segno

from duoline import attribution
from duoline.channels.http import cursors
from duoline.channels.http.answers import Input, Page
from duoline.kernel.db import Database
from duoline.kernel.money import CURRENCY, Money
from duoline.kernel.text import Text


class ShareInput(Input, frozen=True, kw_only=True):
    """A product by its code, an outfit by its id or coupons by the id of their batch, and a few words of one's own."""

    kind: Literal["product", "outfit", "coupon"]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    note: Annotated[str, msgspec.Meta(max_length=attribution.NOTE_LENGTH_MAX)] = ""


class OwnCode(msgspec.Struct, frozen=True):
    """The code that stands in all links of somebody's that WeChat's menu sends."""

    code: str


class ShareView(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was shared and what came of it. `svg` is its QR where it was just made."""

    id: UUID
    code: str
    url: str
    kind: str
    target: str
    title: Text
    note: str
    shared_at: datetime
    ended_at: datetime | None
    clicks: int
    sign_ups: int
    orders: int
    sales: Money
    svg: str | None = None


def share_view(found: attribution.Touchpoint, figures: attribution.Brought, base: str) -> ShareView:
    """A shared link with its figures; `base` is the address of this installation."""
    return ShareView(
        id=found.id,
        code=found.code,
        url=attribution.short_link(base, found.code),
        kind=found.target.kind,
        target=found.target.name,
        title=found.name,
        note=found.note,
        shared_at=found.created_at,
        ended_at=found.ended_at,
        clicks=figures.scans,
        sign_ups=figures.sign_ups,
        orders=figures.orders,
        sales=Money(figures.sales_minor, CURRENCY),
    )


def new_share(made: attribution.Touchpoint, base: str) -> ShareView:
    """A link that was just made, with its QR. Nothing has come of it yet."""
    picture = segno.make(attribution.short_link(base, made.code, printed=True), error="m")
    shown = share_view(made, attribution.Brought(made.id, 0, 0, 0, 0), base)
    return msgspec.structs.replace(shown, svg=picture.svg_inline(scale=6, border=4))


async def share_page(db: Database, rows: Sequence[Any], limit: int, base: str) -> Page[ShareView]:
    """A page of links from the rows of their touchpoints, of which there is one more than `limit` when it goes on."""
    shown = [attribution.of_row(row) for row in rows[:limit]]
    figures = {one.touchpoint_id: one for one in await attribution.brought(db, [one.id for one in shown])}
    return Page(
        [share_view(one, figures[one.id], base) for one in shown],
        cursors.pack(shown[-1].id) if len(rows) > limit else None,
    )
