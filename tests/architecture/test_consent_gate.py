"""Who reads what names a member: only the modules listed here, each for a purpose, as docs/reference/privacy.md tells.

A read for anything but performing what was ordered asks the gate in the same module (`members.consents`).
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from duoline.entry.schema import SOURCES
from duoline.kernel.config import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Module: the purpose it reads names or phones of members for.
READS = {
    "attribution/bind.py": "service",
    "attribution/touches.py": "service",
    "channels/clerk/guide.py": "sharing",
    "channels/clerk/member_sheets.py": "sharing",
    "channels/console/audit_names.py": "service",
    "channels/console/bindings.py": "sharing",
    "channels/console/coupons.py": "marketing",
    "channels/console/member_scope.py": "service",
    "channels/console/members.py": "sharing",
    "channels/console/order_case.py": "sharing",
    "channels/console/merging.py": "sharing",
    "channels/console/payee_scope.py": "service",
    "channels/console/statements.py": "service",
    "channels/console/touchpoint_rows.py": "service",
    "channels/imports/load_members.py": "service",
    "channels/imports/load_orders.py": "service",
    "channels/imports/load_signups.py": "service",
    "channels/imports/write_orders.py": "service",
    "channels/mall/shares.py": "service",
    "engagement/call.py": "service",
    "engagement/guide_tasks.py": "marketing",
    "flows/credit.py": "service",
    "flows/erase_member.py": "service",
    "flows/flag.py": "service",
    "flows/personal_data.py": "service",
    "flows/tell_system.py": "sharing",
    "members/guests.py": "service",
    "members/identities.py": "service",
    "members/invariants.py": "service",
    "members/log_in.py": "service",
    "members/profile.py": "service",
    "members/sessions.py": "service",
    "members/sign_in.py": "service",
    "settlement/payee.sql": "service",
    "settlement/statements.py": "service",
}

_MEMBERS = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(?:members|phone_index)\b", re.IGNORECASE)
_NAMES = re.compile(r"\bdisplay_name\b|\bphone\b|\bm\.\*|to_jsonb\(m\)|phone_index", re.IGNORECASE)
_GATE = re.compile(r"duo_consents\(|consents\.(?:ensure_allowed|allowed|count_refused)\(")


def _texts(source: str) -> Iterator[str]:
    """Every text of a module, an f-string as one text with its holes left out; docstrings too, which name no tables."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def reading(source: str, *, sql: bool = False) -> bool:
    """Whether a module's statements read what names members."""
    texts = [source] if sql else list(_texts(source))
    return any(_MEMBERS.search(text) and _NAMES.search(text) for text in texts)


def readers() -> set[str]:
    found = set()
    for path in sorted([*SOURCES.rglob("*.py"), *SOURCES.rglob("*.sql")]):
        name = path.relative_to(SOURCES).as_posix()
        if not name.startswith("entry/") and reading(path.read_text(encoding="utf-8"), sql=path.suffix == ".sql"):
            found.add(name)
    return found


def test_names_of_members_are_read_by_listed_modules_only() -> None:
    assert readers() == set(READS), "a module that reads names or phones of members names its purpose here"


def test_what_needs_consent_asks_for_it() -> None:
    for module, purpose in READS.items():
        source = (SOURCES / module).read_text(encoding="utf-8")
        assert purpose == "service" or (_GATE.search(source) and f"'{purpose}'" in source.replace('"', "'")), module


def test_every_read_stands_in_the_reference() -> None:
    page = (CHECKOUT / "docs" / "reference" / "privacy.md").read_text(encoding="utf-8")
    assert [module for module in READS if f"`{module}`" not in page] == []


def test_the_search_finds_a_read() -> None:
    assert reading('SQL = "SELECT m.display_name FROM orders o JOIN members m USING (member_id)"')
    assert reading('def f(x): return f"SELECT phone {x} FROM members"')
    assert not reading('SQL = "SELECT tier FROM members WHERE member_id = $1"')
