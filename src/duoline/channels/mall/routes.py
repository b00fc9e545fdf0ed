"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.mall import (
    account,
    catalogue,
    coupons,
    earnings,
    favourites,
    guide,
    media,
    membership,
    order_links,
    pages,
    payout_account,
    preorders,
    price_events,
    price_tags,
    privacy,
    quotes,
    receipts,
    scanned,
    search,
    shares,
    shopping,
    stores,
    touch,
    wallet,
)

ROUTES: list[ControllerRouterHandler] = [
    *account.ROUTES,
    *catalogue.ROUTES,
    *coupons.ROUTES,
    *favourites.ROUTES,
    *earnings.ROUTES,
    *payout_account.ROUTES,
    *guide.ROUTES,
    *media.ROUTES,
    *membership.ROUTES,
    *order_links.ROUTES,
    *pages.ROUTES,
    *preorders.ROUTES,
    *price_events.ROUTES,
    *price_tags.ROUTES,
    *privacy.ROUTES,
    *quotes.ROUTES,
    *scanned.ROUTES,
    *receipts.ROUTES,
    *search.ROUTES,
    *shares.ROUTES,
    *shopping.ROUTES,
    *stores.ROUTES,
    *touch.ROUTES,
    *wallet.ROUTES,
]
