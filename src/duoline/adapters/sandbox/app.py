"""The provider as an ASGI application: alone on a port, or mounted in another application."""

from typing import Any

from litestar import Litestar, Request, Response, asgi
from litestar.handlers import ASGIRouteHandler

from duoline.adapters.sandbox import api, control, pay_page, wallet_page
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.sandbox.provider import Provider

BODY_BYTES_MAX = 64 * 1024


def create_app(provider: Provider, *, mounted: bool = False) -> Litestar:
    """The application of one provider.

    Alone it delivers callbacks from its start to its end. Mounted it never hears of either, so whoever
    mounts it wraps its own life in `provider.running()`.
    """
    return Litestar(
        [api.routes(provider), control.routes(provider), *pay_page.routes(provider), *wallet_page.routes(provider)],
        lifespan=[] if mounted else [lambda _app: provider.running()],
        exception_handlers={Refused: _refused},
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
    )


def mount(provider: Provider, path: str = "/sandbox") -> ASGIRouteHandler:
    """A route for another Litestar application that hands everything below `path` to the provider."""
    return asgi(path, is_mount=True, copy_scope=True)(create_app(provider, mounted=True))


def _refused(_request: Request[Any, Any, Any], refusal: Refused) -> Response[Any]:
    return control.refusal_answer(refusal)
