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
    price_exceptions,
    prices,
    promises,
    replans,
    replays,
    shadow_runs,
    stock,
    stock_alerts,
    stock_overview,
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
    *price_exceptions.ROUTES,
    *prices.ROUTES,
    *promises.ROUTES,
    *replans.ROUTES,
    *replays.ROUTES,
    *shadow_runs.ROUTES,
    *stock.ROUTES,
    *stock_alerts.ROUTES,
    *stock_overview.ROUTES,
    *today.ROUTES,
    *transfers.ROUTES,
]
