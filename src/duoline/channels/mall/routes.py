"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.mall import (
    account,
    catalogue,
    favourites,
    media,
    order_links,
    pages,
    price_events,
    quotes,
    search,
    shopping,
    stores,
)

ROUTES: list[ControllerRouterHandler] = [
    *account.ROUTES,
    *catalogue.ROUTES,
    *favourites.ROUTES,
    *media.ROUTES,
    *order_links.ROUTES,
    *pages.ROUTES,
    *price_events.ROUTES,
    *quotes.ROUTES,
    *search.ROUTES,
    *shopping.ROUTES,
    *stores.ROUTES,
]
