"""Every handler of this channel: add a module's ROUTES with one line."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.open_api import members

ROUTES: list[ControllerRouterHandler] = [*members.ROUTES]
