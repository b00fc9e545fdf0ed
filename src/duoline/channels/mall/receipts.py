"""The receipt of what was sold over the counter, for whoever has its link: no session, and nobody's name."""

from __future__ import annotations

from litestar import get

from duoline.channels.http import doors
from duoline.flows import receipts
from duoline.flows.receipts import SaleReceipt
from duoline.flows.trade import Trade


@get("/api/mall/receipts/{link:str}", opt=doors.public(link=doors.SHARED))
async def read_receipt(trade: Trade, link: str) -> SaleReceipt:
    """A receipt by its link: for 180 days."""
    member_id, order_id = await receipts.linked(trade.db, link, secret=trade.secret)
    return await receipts.receipt_of(trade.db, member_id, order_id)


ROUTES = [read_receipt]
