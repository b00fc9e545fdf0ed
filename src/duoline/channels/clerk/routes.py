"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.clerk import (
    cards,
    counter,
    counts,
    drawers,
    earnings,
    earnings_file,
    guide,
    guide_tasks,
    home_sales,
    member_sheets,
    outfits,
    parked_sales,
    payout_account,
    preorders,
    queue,
    receipts,
    returns,
    shares,
    till,
    till_orders,
    transfers,
    wallet,
    work,
)

ROUTES: list[ControllerRouterHandler] = [
    *queue.ROUTES,
    *work.ROUTES,
    *counter.ROUTES,
    *till.ROUTES,
    *cards.ROUTES,
    *till_orders.ROUTES,
    *returns.ROUTES,
    *shares.ROUTES,
    *drawers.ROUTES,
    *earnings.ROUTES,
    *earnings_file.ROUTES,
    *payout_account.ROUTES,
    *guide.ROUTES,
    *guide_tasks.ROUTES,
    *member_sheets.ROUTES,
    *parked_sales.ROUTES,
    *preorders.ROUTES,
    *receipts.ROUTES,
    *counts.ROUTES,
    *home_sales.ROUTES,
    *outfits.ROUTES,
    *transfers.ROUTES,
    *wallet.ROUTES,
]
