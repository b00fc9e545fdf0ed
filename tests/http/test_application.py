"""The application keeps a map of its routes that the framework makes anew each time: it must be the same map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Router, get, post

from duoline.channels.http.application import Application

if TYPE_CHECKING:
    from tests.http.world import World


@get("/one", sync_to_thread=False)
def read_one() -> None:
    """Reads."""


@post("/one", sync_to_thread=False)
def write_one() -> None:
    """Comes later to an address that is there."""


@get("/two", sync_to_thread=False)
def read_two() -> None:
    """Comes between."""


def framework_map(app: Application) -> object:
    return Router.route_handler_method_map.fget(app)  # type: ignore[attr-defined]


def test_a_method_that_comes_later_joins_its_address() -> None:
    app = Application([read_one], openapi_config=None)
    assert set(app.route_handler_method_map["/one"]) == {"GET", "OPTIONS"}
    app.register(read_two)
    app.register(write_one)
    assert set(app.route_handler_method_map["/one"]) == {"GET", "POST", "OPTIONS"}
    assert app.route_handler_method_map == framework_map(app)


def test_all_of_ours_are_in_it(world: World) -> None:
    assert isinstance(world.app, Application)
    assert len(world.app.route_handler_method_map) > 300
    assert world.app.route_handler_method_map == framework_map(world.app)
