"""Litestar, quicker to put together.

For each handler that is added the framework makes a map of all that were added before; with our hundreds that is half
of the time that it takes to put them together. Here the map is kept, and only what is new in it is written down.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from litestar import Litestar
from litestar.routes import HTTPRoute, WebSocketRoute

if TYPE_CHECKING:
    from litestar.routes import ASGIRoute
    from litestar.types.internal_types import RouteHandlerMapItem


class Application(Litestar):
    """The same in all else. Routes are added, or take the place of one with fewer methods; none is taken away."""

    _mapped: list[HTTPRoute | ASGIRoute | WebSocketRoute]
    _by_path: dict[str, RouteHandlerMapItem]

    @property
    def route_handler_method_map(self) -> dict[str, RouteHandlerMapItem]:
        """Handlers by path, and by method or kind."""
        if not self.routes or not hasattr(self, "_mapped"):
            self._mapped, self._by_path = [], defaultdict(dict)
        for n, route in enumerate(self.routes):
            if n < len(self._mapped) and self._mapped[n] is route:
                continue
            self._mapped[n : n + 1] = [route]
            of_path = self._by_path[route.path]
            if isinstance(route, HTTPRoute):
                for handler in route.route_handlers:
                    for method in handler.http_methods:
                        of_path[method] = handler
            elif isinstance(route, WebSocketRoute):
                of_path["websocket"] = route.route_handler
            else:
                of_path["asgi"] = route.route_handler
        return self._by_path
