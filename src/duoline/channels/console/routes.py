"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.console import (
    counts,
    favourites,
    goods,
    goods_pictures,
    goods_tree,
    money_cases,
    orders,
    organisation,
    people,
    pilots,
    prices,
    replays,
    stock,
    today,
    transfers,
)

ROUTES: list[ControllerRouterHandler] = [
    *counts.ROUTES,
    *favourites.ROUTES,
    *goods.ROUTES,
    *goods_pictures.ROUTES,
    *goods_tree.ROUTES,
    *money_cases.ROUTES,
    *orders.ROUTES,
    *organisation.ROUTES,
    *people.ROUTES,
    *pilots.ROUTES,
    *prices.ROUTES,
    *replays.ROUTES,
    *stock.ROUTES,
    *today.ROUTES,
    *transfers.ROUTES,
]
