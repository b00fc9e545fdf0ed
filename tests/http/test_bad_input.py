"""Nonsense in every field of every endpoint: refused in words, never a fault of ours (T47, T48).

The endpoints and their fields come from the API's own description. A seeded sample runs each time; all of it runs with
`make prove`.
"""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.test_every_door import (
    BODIES,
    Neighbourhood,
    Operation,
    example,
    filled,
    noon,
    operations,
    place,
)
from tests.http.world import key

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["noon", "place"]  # fixtures

NONSENSE: list[Any] = [
    None, -1, 0, 10**9, 2**31, 2**63, 10**30, 0.1, -0.0, 1e308, True, "", " ", "1e3", "-5", "３", "NaN", "null", "x" * 5000,
    "\u202e\ufeff", "'; DROP TABLE orders; --", "{}", "%s%n", "../../etc/passwd", "<script>alert(1)</script>", "😀", "\ud83d",
    [], {}, [[]], [None], {"zh": None}, {"minor": -1, "currency": "CNY"}, {"minor": 1, "currency": "XXX"},
    "00000000-0000-0000-0000-000000000000", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-13-45",
]  # fmt: skip

EXTRA = {
    "price": 1,
    "unit_price": {"minor": 1, "currency": "CNY"},
    "role": "headquarters",
    "member_id": "x",
    "status": "paid",
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a body, the whole of it included."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from places(each, (*path, n))


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = copy.deepcopy(body)
    at = made
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return made


def everything(schema: dict[str, Any]) -> Any:
    """A body with every field, optional ones too."""
    choices = schema.get("oneOf") or schema.get("anyOf")
    if choices:
        return everything(next(each for each in choices if each.get("type") != "null"))
    if schema.get("type") == "object":
        return {name: everything(value) for name, value in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [everything(schema["items"])] * max(1, schema.get("minItems", 1))
    return example(schema, {})


def attacks(found: Neighbourhood, op: Operation) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """What to send: the path, the body, the query."""
    side = found.sides["S1"]
    own = found.members["other"] if op.who == "member" else side
    objects = {n: str(getattr(own, k)) for n, k in op.foreign.items() if hasattr(own, k)}
    path = op.path
    for part in [p for p in path.split("/") if p.startswith("{")]:
        path = path.replace(part, objects.get(part[1:-1], "S1"), 1)
    for parameter in op.query:
        for value in NONSENSE:
            if not isinstance(value, (list, dict)) and value != "\ud83d":
                yield path, None, {parameter["name"]: str(value)}
    if op.method == "GET":
        yield path, None, {}
        return
    if op.body is None:
        return
    full = everything(op.body)
    base = {**full, **filled(BODIES[op.name], found, objects, side)} if op.name in BODIES else full
    for place_ in places(base):
        for value in NONSENSE:
            yield path, changed(base, place_, value), {}
    if isinstance(base, dict):
        for name, value in EXTRA.items():
            yield path, {**base, name: value}, {}


async def fire(found: Neighbourhood, *, share: float) -> tuple[int, list[str]]:
    chosen = random.Random(20261121)
    sent, faults = 0, []
    for op in operations(found.world):
        if op.path.endswith("/events") or op.who in ("signed", "development") or "sessions" in op.path:
            continue
        caller = found.callers[{"staff": "hq", "system": "system"}.get(op.who, "other")]
        for path, body, query in attacks(found, op):
            if chosen.random() > share:
                continue
            answer = await caller.client.request(
                op.method,
                path,
                params=query,
                content=None if op.method == "GET" else json.dumps(body),
                headers=caller.headers
                | ({} if op.method == "GET" else {"Idempotency-Key": key(), "Content-Type": "application/json"}),
            )
            sent += 1
            if answer.status_code >= 500:
                faults.append(f"{op.method} {path} {query} {str(body)[:300]}: {answer.status_code} {answer.text[:120]}")
            elif answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json", (op.name, answer.text)
                assert answer.json()["detail"], op.name
    return sent, faults


async def test_a_sample_of_nonsense_is_refused(place: Neighbourhood) -> None:
    sent, faults = await fire(place, share=0.06)
    assert not faults, f"{len(faults)} of {sent}:\n" + "\n".join(faults[:40])
    assert sent > 300, sent


@pytest.mark.proof
async def test_all_nonsense_is_refused(place: Neighbourhood) -> None:
    sent, faults = await fire(place, share=1.0)
    assert not faults, f"{len(faults)} of {sent}:\n" + "\n".join(faults[:60])
    assert sent > 5000, sent
