"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.clerk import counter, counts, home_sales, queue, transfers, work

ROUTES: list[ControllerRouterHandler] = [
    *queue.ROUTES,
    *work.ROUTES,
    *counter.ROUTES,
    *counts.ROUTES,
    *home_sales.ROUTES,
    *transfers.ROUTES,
]
