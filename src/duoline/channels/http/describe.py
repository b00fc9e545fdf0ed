"""The description of the API (OpenAPI 3.1) and the page that shows it.

Litestar makes the description from the handlers; what it cannot know is added here: who may call what (`x-door`),
the Idempotency-Key of writes, the sessions, and problems instead of Litestar's own error shapes. The page is ours
and loads nothing from elsewhere.
"""

from __future__ import annotations

import importlib.resources
import inspect
from typing import Any

import msgspec
from litestar import Litestar, Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Method

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.pages import ASK_AGAIN, html
from duoline.kernel.errors import NotFound, Refusal

TAGS = {
    "mall": "Members and visitors: shop, cart, order, collect.",
    "staff": "Staff sessions.",
    "clerk": "A store's work: queue, picking, handing over, till.",
    "console": "Headquarters, regions, franchisees, store managers.",
    "open": "Other systems, by a key that headquarters makes.",
    "payments": "Callbacks of payment providers.",
    "dev": "Development only.",
    "other": "About the API itself.",
}

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem. Refusals add fields of their own.",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string", "description": "Where the code is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for a person, in the language of Accept-Language."},
        "code": {"type": "string", "description": "Stable for ever, such as inventory.insufficient-stock."},
        "instance": {"type": "string", "description": "The request, as it is named in the logs."},
        "problems": {
            "type": "array",
            "description": "Only of kernel.bad-input: each field and what is wrong with it.",
            "items": {"type": "object", "properties": {"field": {"type": "string"}, "reason": {"type": "string"}}},
        },
    },
}
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 80 printable characters, a random UUID at best. A repeat with the same key and body gives "
    "the same answer and has no second effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 80},
}
_NOTHING = {"application/json": {"schema": {"type": "null"}}}
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "member": [{"memberCookie": []}, {"bearer": []}],
    "staff": [{"staffCookie": []}, {"bearer": []}],
    "system": [{"bearer": []}],
}


class _OurJson(JsonRenderPlugin):
    """Litestar's description with our additions, made at the first request and kept."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        state = request.app.state
        if "openapi" not in state:
            state.openapi = msgspec.json.encode(_finished(request.app, openapi_schema))
        body: bytes = state.openapi
        return body


def openapi(version: str) -> OpenAPIConfig:
    """Litestar's part of it."""
    return OpenAPIConfig(
        title="Duoline",
        version=version,
        description="Omnichannel commerce for store chains: one stock, one order, every shop and every screen.",
        # Litestar puts a page of its own on every unknown path below this one, so it stands alone.
        path="/api/openapi.json",
        render_plugins=[_OurJson(path="/")],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
    )


def document(app: Litestar) -> dict[str, Any]:
    """The whole description, for the typed client and the tests."""
    return _finished(app, app.openapi_schema.to_schema())


def _operation_id(handler: HTTPRouteHandler, method: Method, components: list[Any]) -> str:
    """`mall_list_stores`: the face and the handler's name. A handler with two methods has both names."""
    parts = [part for part in components if isinstance(part, str)]
    face = parts[1] if len(parts) > 1 and parts[0] == "api" else "root"
    name = handler.handler_name.rpartition(".")[2]
    suffix = f"_{method.lower()}" if len(handler.http_methods) > 1 else ""
    return f"{face.replace('-', '_')}_{name}{suffix}"


def _finished(app: Litestar, schema: dict[str, Any]) -> dict[str, Any]:
    for path, method, handler in handlers(app):
        operation = schema.get("paths", {}).get(_described(path), {}).get(method.lower())
        if operation is not None:
            _finish_operation(operation, path, method, handler)
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {
        "Problem": {
            "description": "Refused; the body says why.",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    components["securitySchemes"] = {
        "memberCookie": {"type": "apiKey", "in": "cookie", "name": "duoline_member"},
        "staffCookie": {"type": "apiKey", "in": "cookie", "name": "duoline_staff"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    schema["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    return schema


def _finish_operation(operation: dict[str, Any], path: str, method: str, handler: HTTPRouteHandler) -> None:
    door: doors.Door = handler.opt[doors.KEY]
    face = path.split("/")[2] if path.startswith("/api/") else ""
    operation["tags"] = [face if face in TAGS else "other"]
    first, _, rest = (handler.fn.__doc__ or operation.get("summary", "")).strip().partition("\n")
    operation["summary"] = first.rstrip(".")
    operation.pop("description", None)
    if rest.strip():
        operation["description"] = inspect.cleandoc(rest)
    operation["x-door"] = {"who": door.who, "permission": door.permission, "objects": door.objects}
    # Litestar describes its own shape of a 400 here; we never send it.
    operation.get("responses", {}).pop("400", None)
    for status in ("202", "204"):
        if operation.get("responses", {}).get(status, {}).get("content", {}) == _NOTHING:
            operation["responses"][status].pop("content")
    operation.setdefault("responses", {})["default"] = {"$ref": "#/components/responses/Problem"}
    if door.who in _SECURITY:
        operation["security"] = _SECURITY[door.who]
    if method not in ("GET", "HEAD") and door.who != "signed":
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)


def handlers(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """Every handler of ours with its path and method."""
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if doors.KEY in handler.opt:
                found += [(route.path, str(method), handler) for method in sorted(handler.http_methods)]
    return found


def _described(path: str) -> str:
    """`/stores/{code:str}` as the description writes it, `/stores/{code}`."""
    return "/".join(f"{{{part[1:-1].partition(':')[0]}}}" if part[:1] == "{" else part for part in path.split("/"))


# --- the page ------------------------------------------------------------------------------------

_FOLDER = importlib.resources.files("duoline.channels.http") / "docs"
_KINDS = {"docs.js": b"application/javascript", "docs.css": b"text/css; charset=utf-8"}


@get("/api/docs", opt=doors.public(), include_in_schema=False)
async def docs_page() -> Answer[Any]:
    """The API, to read and to try."""
    return html((_FOLDER / "index.html").read_text(encoding="utf-8"))


@get("/api/docs/{name:str}", opt=doors.public(name=doors.SHARED), include_in_schema=False)
async def docs_file(name: str) -> Answer[Any]:
    """Script and style of that page."""
    if name not in _KINDS:
        raise NotFound
    return Answer((_FOLDER / name).read_bytes(), media=_KINDS[name], headers=[ASK_AGAIN])


class ProblemCode(msgspec.Struct):
    """One code a refusal can have, with its sentences; words in braces are fields of the problem."""

    code: str
    status: int
    zh: str
    en: str
    meaning: str


@get("/api/problems", opt=doors.public())
async def list_problems() -> list[ProblemCode]:
    """Every code that a refusal can have."""
    return problem_codes()


def problem_codes() -> list[ProblemCode]:
    """Every refusal of the loaded packages, by code."""
    found: dict[str, ProblemCode] = {}
    waiting = [Refusal]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind is not Refusal and kind.__module__.startswith("duoline."):
            meaning = (kind.__doc__ or "").strip().partition("\n")[0]
            found[kind.code] = ProblemCode(kind.code, kind.status, kind.zh, kind.en, meaning)
    return [found[code] for code in sorted(found)]


ROUTES = [docs_page, docs_file, list_problems]
