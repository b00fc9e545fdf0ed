"""The application that Granian serves: the faces and adapters put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duoline.channels.clerk import routes as clerk
from duoline.channels.console import routes as console
from duoline.channels.http import trading
from duoline.channels.http.app import Parts, create_app
from duoline.channels.imports import routes as imports
from duoline.channels.mall import routes as mall
from duoline.channels.open_api import routes as open_api
from duoline.channels.staff import routes as staff
from duoline.channels.webhooks import routes as webhooks
from duoline.entry import outside
from duoline.kernel.config import settings

if TYPE_CHECKING:
    from litestar import Litestar

    from duoline.kernel.config import Settings

FACES = [Parts(routes=face.ROUTES) for face in (mall, staff, clerk, console, imports, open_api, webhooks)]


def make(of: Settings, **options: Any) -> Litestar:
    """The whole application under the given settings; `options` go to `create_app`."""
    return create_app(of, [*FACES, trading.parts(), *outside.parts(of)], **options)


def __getattr__(name: str) -> Any:
    """`duoline.entry.api:app`, made when the server asks for it, so that importing this module reads no settings."""
    if name == "app":
        return make(settings())
    raise AttributeError(name)
