"""Every handler of this channel: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.webhooks import payments

ROUTES: list[ControllerRouterHandler] = [*payments.ROUTES]
