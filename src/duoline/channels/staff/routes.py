"""Every handler of this face: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.staff import account, labels, transfers

ROUTES: list[ControllerRouterHandler] = [*account.ROUTES, *labels.ROUTES, *transfers.ROUTES]
