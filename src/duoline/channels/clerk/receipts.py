"""What the shop sold over the counter, found again: its receipt on paper, and as a code for the customer's phone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import segno
from litestar import Request, get

from duoline import orders
from duoline.channels.clerk.queue import StoreCode
from duoline.channels.http import cursors, doors, site
from duoline.channels.http.answers import Cursor, Limit, Page, Search
from duoline.channels.http.sessions import Staff
from duoline.flows import receipts
from duoline.flows.receipts import SaleReceipt, Sold
from duoline.flows.trade import Trade
from duoline.kernel import clock
from duoline.kernel.config import Settings
from duoline.kernel.db import Database


class ReceiptCode(msgspec.Struct, frozen=True):
    """What the customer scans to have the receipt: the address of its page, it as a picture, and until when."""

    url: str
    svg: str
    until: datetime


class SaleCase(msgspec.Struct, frozen=True, kw_only=True):
    """A sale of this shop. `code` as long as it opens the receipt."""

    id: UUID
    receipt: SaleReceipt
    seller: str
    code: ReceiptCode | None


@get("/api/clerk/sales", opt=doors.staff("sell", store="store"))
async def list_sales(
    db: Database, staff: Staff, store: StoreCode, q: Search = "", limit: Limit = 20, cursor: Cursor = None
) -> Page[Sold]:
    """What the shop sold over the counter, the newest first; `q` is the beginning or the end of a number."""
    shop = staff.store(store, "sell")
    before = cursors.unpack(cursor, datetime, UUID) if cursor else None
    found = await receipts.sold_at(db, shop.id, q=q, before=(before[0], before[1]) if before else None, limit=limit + 1)
    shown = found[:limit]
    return Page(shown, cursors.pack(shown[-1].sold_at, shown[-1].id) if len(found) > limit else None)


@get("/api/clerk/sales/{order_id:uuid}", opt=doors.staff("sell", order_id="sale"))
async def read_sale(
    request: Request[Any, Any, Any], db: Database, staff: Staff, trade: Trade, settings: Settings, order_id: UUID
) -> SaleCase:
    """One sale with its receipt, and the code that opens it on the customer's phone."""
    member_id, sale_id, seller = await receipts.find(db, order_id, staff.scope("sell"))
    receipt = await receipts.receipt_of(db, member_id, sale_id)
    until = receipt.sold_at + orders.RECEIPT_LASTS
    url = f"{site.front_of(request, settings)}/r/{orders.receipt_link_of(receipt.order_no, secret=trade.secret)}"
    return SaleCase(
        id=sale_id,
        receipt=receipt,
        seller=seller,
        code=ReceiptCode(url, segno.make(url, error="m").svg_inline(scale=8, border=2), until)
        if until > clock.now()
        else None,
    )


ROUTES = [list_sales, read_sale]
