"""The sandbox as an ASGI application: alone on a port, or mounted in another application."""

from typing import Any

from litestar import Litestar, Request, Response, asgi
from litestar.handlers import ASGIRouteHandler

from duoline.adapters.sandbox.control import refusal_answer
from duoline.adapters.sandbox.errors import Refused
from duoline.adapters.wechat_sandbox import api, control, menu, pages
from duoline.adapters.wechat_sandbox.site import WechatSandbox

BODY_BYTES_MAX = 64 * 1024


def create_app(sandbox: WechatSandbox, *, mounted: bool = False) -> Litestar:
    """The application of one sandbox.

    Mounted it never hears of its end, so whoever mounts it wraps its own life in `sandbox.running()`.
    """
    return Litestar(
        [*api.routes(sandbox), *pages.routes(sandbox), *menu.routes(sandbox), control.routes(sandbox)],
        lifespan=[] if mounted else [lambda _app: sandbox.running()],
        exception_handlers={Refused: _refused},
        request_max_body_size=BODY_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
    )


def mount(sandbox: WechatSandbox, path: str = "/wechat") -> ASGIRouteHandler:
    """A route for another Litestar application that hands everything below `path` to the sandbox."""
    return asgi(path, is_mount=True, copy_scope=True)(create_app(sandbox, mounted=True))


def _refused(_request: Request[Any, Any, Any], refusal: Refused) -> Response[Any]:
    return refusal_answer(refusal)
