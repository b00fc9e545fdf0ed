"""Every handler of this channel."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from duoline.channels.imports import endpoints

ROUTES: list[ControllerRouterHandler] = [*endpoints.ROUTES]
