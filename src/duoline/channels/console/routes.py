"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.console import (
    counts,
    favourites,
    frozen,
    goods,
    goods_pictures,
    goods_tree,
    money_cases,
    orders,
    organisation,
    people,
    pilots,
    prices,
    replans,
    replays,
    shadow_runs,
    stock,
    today,
    transfers,
)

ROUTES: list[ControllerRouterHandler] = [
    *counts.ROUTES,
    *favourites.ROUTES,
    *frozen.ROUTES,
    *goods.ROUTES,
    *goods_pictures.ROUTES,
    *goods_tree.ROUTES,
    *money_cases.ROUTES,
    *orders.ROUTES,
    *organisation.ROUTES,
    *people.ROUTES,
    *pilots.ROUTES,
    *prices.ROUTES,
    *replans.ROUTES,
    *replays.ROUTES,
    *shadow_runs.ROUTES,
    *stock.ROUTES,
    *today.ROUTES,
    *transfers.ROUTES,
]
