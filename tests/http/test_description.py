"""What the API's own description promises, it keeps: Schemathesis makes requests from it, right ones and wrong ones, and
holds each answer against the declared statuses, media types and shapes. In this process, over no socket.

`test_bad_input.py` attacks single fields with values that have hurt others; this looks at whole requests as described, and
at the answers. Every fourth operation is tried each time; `make prove` runs thirty of each kind for every operation.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from duoline.kernel.db import Database
from tests.http.test_every_door import system
from tests.http.world import Caller, World, key, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duoline.kernel import postgres

ANSWERS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]
# Streams have no end, and what the provider sends is signed.
LEFT_OUT = ("/events", "/callbacks")


class Described:
    """The application on a loop of its own, with callers and its description."""

    def __init__(self, access: postgres.Access, home: Path) -> None:
        self.access, self.home = access, home
        self.runner = asyncio.Runner()

    def __enter__(self) -> Described:
        self.runner.__enter__()
        self.db: Database = self.runner.run(Database.connect(self.access.dsn))
        self.opened = open_world(self.db, self.home)
        self.world: World = self.runner.run(self.opened.__aenter__())
        self.member = self.runner.run(self.world.member("+8613800138000"))
        self.system = self.runner.run(system(self.world))
        self.description: dict[str, Any] = self.runner.run(self.world.anonymous().get("/api/openapi.json")).json()
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.opened.__aexit__(None, None, None))
        self.runner.run(self.db.close())
        self.runner.__exit__(None, None, None)

    def caller(self, path: str) -> Caller:
        if "/api/open/" in path:
            return self.system
        staff = any(f"/api/{face}/" in path for face in ("console", "clerk", "staff"))
        return self.world.staff("hq") if staff else self.member

    def send(self, case: Any) -> Response:
        """Send a case as its caller, under a key of its own: a described key would be somebody else's the second time."""
        for known in (case.query, case.path_parameters):  # a shop that is there, or hardly a request would be served
            if known and "store" in known and isinstance(known["store"], str):
                known["store"] = "S1"
        who, given_ = self.caller(case.path), case.as_transport_kwargs(base_url="http://test")
        headers = dict(given_.get("headers") or {}) | who.headers
        if case.method.upper() != "GET":
            headers["Idempotency-Key"] = key()
        body = {"json": given_["json"]} if "json" in given_ else {"content": given_.get("data")}
        answer = self.runner.run(
            who.client.request(given_["method"], given_["url"], params=given_.get("params"), headers=headers, **body)
        )
        return Response.from_any(answer)


def problems(app: Described, *, examples: int, share: int) -> Iterator[tuple[str, str]]:
    """What went against the description: where, and in which way. Looks at every operation, or at one of so many."""
    every = [found.ok() for found in schemathesis.openapi.from_dict(app.description).get_all_operations()]
    for operation in [each for each in every if not each.path.endswith(LEFT_OUT)][::share]:
        for mode in GenerationMode:
            try:
                cases = operation.as_strategy(generation_mode=mode)
            except schemathesis.errors.SchemathesisError:
                continue  # nothing can be wrong about a request without parameters
            yield from _try(app, cases, mode, examples)


def _try(app: Described, cases: Any, mode: GenerationMode, examples: int) -> list[tuple[str, str]]:
    wrong: list[tuple[str, str]] = []
    checks = [*ANSWERS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else ANSWERS

    @settings(
        max_examples=examples, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def once(case: Any) -> None:
        answer = app.send(case)
        SENT[mode, answer.status_code // 100] += 1
        try:
            case.validate_response(answer, checks=checks)
        except (Failure, FailureGroup) as failure:
            wrong.extend(
                (f"{case.method} {case.path}", str(each)[:400])
                for each in getattr(failure, "exceptions", [failure])
                if "`Idempotency-Key` in header" not in str(each)  # ours was sent instead
            )

    with suppress(hypothesis.errors.Unsatisfiable):  # as above: there is no wrong request to make
        once()
    return wrong


SENT: Counter[tuple[GenerationMode, int]] = Counter()


def keeps_its_word(access: postgres.Access, home: Path, *, examples: int, share: int = 1) -> None:
    SENT.clear()
    with Described(access, home) as app:
        wrong = list(problems(app, examples=examples, share=share))
    assert not wrong, "\n".join(f"{where}: {what}" for where, what in wrong[:20])
    # Otherwise it would have proved nothing: right requests were served and refused, wrong ones refused.
    assert SENT[GenerationMode.POSITIVE, 2] >= 6, SENT
    assert SENT[GenerationMode.POSITIVE, 4] >= 6, SENT
    assert SENT[GenerationMode.NEGATIVE, 4] >= 20, SENT


def test_a_share_of_what_is_described(access: postgres.Access, tmp_path: Path) -> None:
    keeps_its_word(access, tmp_path, examples=2, share=4)


def test_a_broken_word_would_be_seen(access: postgres.Access, tmp_path: Path) -> None:
    """The same application under a description that promises something else."""
    with Described(access, tmp_path) as app:
        one = app.description["paths"]["/api/console/today"]["get"]
        app.description["paths"] = {"/api/console/today": {"get": one}}
        assert list(problems(app, examples=1, share=1)) == []
        said = one["responses"].pop("200")
        undocumented = list(problems(app, examples=1, share=1))
        assert undocumented
        assert all("ndocumented" in what for _, what in undocumented), undocumented
        said["content"]["application/json"]["schema"] = {"type": "object", "required": ["yesterday"]}
        one["responses"]["200"] = said
        misshapen = list(problems(app, examples=1, share=1))
        assert misshapen
        assert all("yesterday" in what for _, what in misshapen), misshapen


@pytest.mark.proof
def test_all_that_is_described(access: postgres.Access, tmp_path: Path) -> None:
    keeps_its_word(access, tmp_path, examples=30)
