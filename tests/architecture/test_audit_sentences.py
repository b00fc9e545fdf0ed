"""Whatever the back end writes into the audit log, the console says in a sentence of each language."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

from duoline.entry.schema import SOURCES
from duoline.kernel.config import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACTION = re.compile(r"^[a-z]+\.[a-z-]+$")

# What an action is made of at run time: the beginning, and every end it can have.
MADE = {
    "binding.dispute-": ("stands", "moves"),
    "drawer.": ("open", "float", "paid-in", "paid-out", "count", "close"),
    "event.": ("put-aside", "told-again"),
    "payout.": ("done", "failed"),
    "product.": ("published", "withdrawn", "draft"),
    "refund.": ("request", "done", "failed"),
    "stock.": ("opening", "receipt", "count", "damage", "missing", "return"),
    "transfer.": ("request", "approve", "decline", "cancel", "send", "receive", "lose"),
}
# Written by a statement of its own.
IN_SQL = {"stock.import", "price.set"}
# Calls that have `action` for something else.
ELSEWHERE = {"adapters/sandbox/__main__.py", "channels/console/people.py"}


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCES.rglob("*.py")):
        name = path.relative_to(SOURCES).as_posix()
        if name not in ELSEWHERE:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _actions(module: ast.Module) -> Iterator[ast.expr]:
    """Expressions given as an action: by that name, in its place to a function of the module, or in a line."""
    takes = {
        one.name: [each.arg for each in one.args.args]
        for one in ast.walk(module)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for call in (one for one in ast.walk(module) if isinstance(one, ast.Call)):
        yield from (given.value for given in call.keywords if given.arg == "action")
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        place = takes[name].index("action") if "action" in takes.get(name, ()) else None
        if place is not None and place < len(call.args):
            yield call.args[place]
        elif name == "Line" and len(call.args) > 1:
            yield call.args[1]
        elif name in ("trace", "record"):
            yield from (one for one in call.args if isinstance(one, ast.Constant))


def recorded() -> tuple[set[str], set[str]]:
    """Actions that stand in the code whole, and the beginnings of those that are made."""
    whole, begun = set(IN_SQL), set()
    for _, module in _sources():
        named = {
            target.id: one.value
            for one in module.body
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }
        defaults = [
            default
            for one in ast.walk(module)
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            for given, default in zip(one.args.kwonlyargs, one.args.kw_defaults, strict=True)
            if given.arg == "action" and default is not None
        ]
        for given in [*_actions(module), *defaults]:
            parts = [
                given,
                *(named[one.id] for one in ast.walk(given) if isinstance(one, ast.Name) and one.id in named),
            ]
            for part in (each for one in parts for each in ast.walk(one)):
                if isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant):
                    begun.add(str(part.values[0].value))
                elif isinstance(part, ast.Constant) and isinstance(part.value, str) and ACTION.match(part.value):
                    whole.add(part.value)
    return whole - begun, begun


def sentences(language: str) -> set[str]:
    path: Path = CHECKOUT / "web" / "apps" / "console" / "src" / "locales" / f"{language}.json"
    said = json.loads(path.read_text(encoding="utf-8"))["audit_says"]
    return {f"{subject}.{verb}" for subject, verbs in said.items() for verb in verbs}


def test_every_action_has_a_sentence_in_both_languages() -> None:
    whole, begun = recorded()
    assert begun == set(MADE), "an action that is made at run time names its ends here"
    actions = whole | {start + end for start, ends in MADE.items() for end in ends}
    for language in ("zh-CN", "en"):
        assert actions - sentences(language) == set(), language


def test_the_search_finds_what_is_recorded() -> None:
    whole, _ = recorded()
    assert {"consent.withdraw", "member.merge", "order.ship", "settlement.close", "favourite.give-up"} <= whole
    assert len(whole) > 100
