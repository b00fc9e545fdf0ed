"""Check one row: pure. Gives the row as it is staged, or every problem it has, never only the first.

A staged row is a tuple: the line, then every column of the dictionary in its order (None when absent or empty),
then what the kind works out from them (`EXTRAS`).
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from duoline.channels.imports.dictionary import KINDS
from duoline.channels.imports.identify import NUMBER_PREFIX, natural_id
from duoline.channels.imports.problems import Bad, Problem, problem
from duoline.channels.imports.values import empty, minor, reader, split_named
from duoline.kernel.ids import new_id
from duoline.members.match import id_of, mail_of
from duoline.stores.types import CHAIN_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from duoline.channels.imports.dictionary import Kind

SQL_TYPES = {
    "whole": "integer",
    "money": "bigint",  # in minor units once staged
    "degrees": "double precision",
    "flag": "boolean",
    "instant": "timestamptz",
    "day": "date",
    "gtins": "text[]",
}

# What a kind works out from a row, beyond the dictionary: column and SQL type.
EXTRAS: dict[str, tuple[tuple[str, str], ...]] = {
    "stores": (),
    "products": (("options", "text"), ("digest", "uuid")),
    "prices": (),
    "stock": (("movement_id", "uuid"),),
    "members": (("new_id", "uuid"),),
    "signups": (("new_id", "uuid"),),
    "orders": (
        ("order_no", "text"),
        ("digest", "uuid"),
        ("order_id", "uuid"),
        ("guest_id", "uuid"),
        *((name, "uuid") for name in ("row_id", "intent_id", "capture_id", "captured_id", "sold_id", "event_id")),
    ),
}

PRICE_MINOR_MAX = 100_000_000_000


def staging(kind: Kind) -> list[tuple[str, str]]:
    """Columns of a staged row, with their SQL types."""
    own = [(column.name, SQL_TYPES.get(column.type, "text")) for column in kind.columns]
    return [("line", "integer"), *own, *EXTRAS[kind.name]]


class Checker:
    """Checks rows of one file. `present` are the columns the file has; columns we do not know are ignored."""

    def __init__(self, kind: Kind, present: Collection[str], *, zone: str = CHAIN_ZONE) -> None:
        self.kind = kind
        self._width = len(kind.columns)
        self._cells = [
            (n, column.name, reader(column, zone=zone), column.required)
            for n, column in enumerate(kind.columns)
            if column.name in present
        ]
        self._finish = _FINISH[kind.name]
        self._at = {column.name: n for n, column in enumerate(kind.columns)}

    def check(self, line: int, row: Mapping[str, Any]) -> tuple[Any, ...] | list[Problem]:
        """The staged row, or its problems."""
        found: list[Any] = [None] * self._width
        problems: list[Problem] = []
        for n, name, read, required in self._cells:
            value = row.get(name)
            if value is None or value == "" or empty(value):
                if required:
                    problems.append(problem(line, name, value, Bad("required")))
                continue
            if isinstance(value, Bad):  # the mapping could not convert it
                problems.append(problem(line, name, None, value))
                continue
            try:
                found[n] = read(value)
            except Bad as bad:
                problems.append(problem(line, name, value, bad))
        if problems:
            return problems
        extras = self._finish(
            found, self._at, lambda name, bad: problems.append(problem(line, name, row.get(name), bad))
        )
        return problems or (line, *found, *extras)

    def remainder(self, line: int, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """For a bad row of a kind whose rows stand and fall together: a row that says only what it belongs to."""
        place = self._at.get(self.kind.together)
        value = row.get(self.kind.together)
        if place is None or empty(value) or isinstance(value, Bad):
            return None
        found: list[Any] = [None] * (self._width + len(EXTRAS[self.kind.name]))
        found[place] = str(value).strip()
        return (line, *found)


def missing_columns(kind: Kind, present: Collection[str]) -> list[str]:
    """Columns a file of this kind must have and this one has not."""
    return [column.name for column in kind.columns if column.required and column.name not in present]


# Each of these looks at a row as a whole. They take the values, where each column stands, and a way to object.


def _stores(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    parent = found[at["region_parent_code"]]
    if parent is not None and parent == found[at["region_code"]]:
        object_to("region_parent_code", Bad("parent-loop"))
    return ()


def _products(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    parent = found[at["category_parent_code"]]
    if parent is not None and parent == found[at["category_code"]]:
        object_to("category_parent_code", Bad("parent-loop"))
    chosen: list[tuple[str, str]] = []
    for n in (1, 2, 3):
        name, value = found[at[f"option{n}_name"]], found[at[f"option{n}_value"]]
        if name is not None and value is not None:
            chosen.append((name, value))
        elif name is not value:
            lacking, other = ("name", "value") if name is None else ("value", "name")
            object_to(f"option{n}_{lacking}", Bad("together", other=f"option{n}_{other}"))
    said, twice = _options(tuple(chosen))
    if twice:
        object_to("option2_name", Bad("option-twice"))
    return said, _digest(tuple(found[: at["sku_code"]]))


@lru_cache(maxsize=64)
def _digest(said: tuple[Any, ...]) -> UUID:
    """What rows of one product or order must agree on, in 16 bytes. Its rows mostly stand together: made once."""
    return UUID(bytes=hashlib.md5(repr(said).encode(), usedforsecurity=False).digest())


@lru_cache(maxsize=4096)
def _options(chosen: tuple[tuple[str, str], ...]) -> tuple[str, bool]:
    """The choices of a variant as JSON text, and whether two of them are of the same option."""
    options = [_option(name, value) for name, value in chosen]
    keys = {option["key"] for option in options}
    return json.dumps(options, ensure_ascii=False), len(keys) < len(options)


def _option(name: str, value: str) -> dict[str, Any]:
    """One choice of a variant: what is chosen and which value, each with the key that stands for it."""
    name_zh, name_en = split_named(name)
    value_zh, value_en = split_named(value)
    return {
        "key": key_of(name_zh, name_en),
        "name": {"zh": name_zh, "en": name_en},
        "value": key_of(value_zh, value_en),
        "value_name": {"zh": value_zh, "en": value_en},
    }


_SLUG = re.compile(r"[^a-z0-9]+")


def key_of(zh: str, en: str) -> str:
    """The key of an option or value: its English name in small letters, or a digest of a name without any.

    A name that loses anything but spaces and signs on the way gets a piece of its digest, so that two names
    never share a key: 1.5 kg is not 15 kg.
    """
    slug = _SLUG.sub("-", en.lower()).strip("-")
    if slug and len(slug) <= 30 and re.fullmatch(r"[A-Za-z0-9 ]+", en):
        return slug
    tail = hashlib.sha256(f"{zh}|{en}".encode()).hexdigest()[:8]
    return f"{slug[:24].strip('-')}-{tail}" if slug else f"v-{tail}"


def _prices(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    price = at["price"]
    try:
        found[price] = minor(found[price], found[at["currency"]] or "CNY")
        if not 0 <= found[price] <= PRICE_MINOR_MAX:
            raise Bad("range", low=0, high=PRICE_MINOR_MAX // 100)
    except Bad as bad:
        object_to("price", bad)
    if (found[at["scope"]] or "chain") != "chain" and found[at["scope_code"]] is None:
        object_to("scope_code", Bad("required"))
    starts, ends = found[at["valid_from"]], found[at["valid_to"]]
    if starts is not None and ends is not None and ends <= starts:
        object_to("valid_to", Bad("order", other="valid_from"))
    return ()


def _stock(_found: list[Any], _at: Mapping[str, int], _object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    return (new_id(),)


def _members(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    if found[at["code"]] is None and found[at["phone"]] is None:
        object_to("code", Bad("member-who"))
    return (new_id(),)


def _signups(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    """Identities in the one form in which they are compared; a cell that is none of its kind is a problem."""
    if (found[at["buyer_id"]] is None) != (found[at["marketplace"]] is None):
        lacking, other = (
            ("marketplace", "buyer_id") if found[at["marketplace"]] is None else ("buyer_id", "marketplace")
        )
        object_to(lacking, Bad("together", other=other))
    for name in ("openid", "unionid", "card_no", "buyer_id"):
        if found[at[name]] is not None:
            found[at[name]] = id_of(found[at[name]])
    if found[at["mail"]] is not None:
        found[at["mail"]] = mail_of(found[at["mail"]])
        if found[at["mail"]] is None:
            object_to("mail", Bad("mail"))
    if all(found[at[name]] is None for name in ("phone", "openid", "unionid", "card_no", "buyer_id")):
        object_to("phone", Bad("signup-who"))
    return (new_id(),)


def _orders(found: list[Any], at: Mapping[str, int], object_to: Callable[[str, Bad], None]) -> tuple[Any, ...]:
    amount = at["amount"]
    try:
        found[amount] = minor(found[amount], "CNY")
        if not 0 <= found[amount] <= PRICE_MINOR_MAX:
            raise Bad("range", low=0, high=PRICE_MINOR_MAX // 100)
    except Bad as bad:
        object_to("amount", bad)
        return ()
    said = tuple([found[at[name]] for name in ("placed_at", "store_code", "channel", "member_code", "phone", "tender")])
    order_no, order_id, guest_id, *once = _ids_of_order(found[at["order_code"]])
    return (order_no, _digest(said), order_id, guest_id, new_id(), *once)


@lru_cache(maxsize=64)
def _ids_of_order(code: str) -> tuple[Any, ...]:
    """Number and ids of an order, and those of what is written once an order: only one row's are used.

    Rows of an order mostly stand together, so they are made once for all of them.
    """
    ids = (new_id() for _ in range(5))
    return (NUMBER_PREFIX + code, natural_id("order", code), natural_id("guest of order", code), *ids)


_FINISH: dict[str, Callable[..., tuple[Any, ...]]] = {
    "stores": _stores,
    "products": _products,
    "prices": _prices,
    "stock": _stock,
    "members": _members,
    "signups": _signups,
    "orders": _orders,
}


def checker(kind_name: str, present: Collection[str], *, zone: str = CHAIN_ZONE) -> Checker:
    """A checker for a kind by name."""
    return Checker(KINDS[kind_name], present, zone=zone)
