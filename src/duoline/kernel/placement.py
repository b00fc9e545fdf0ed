"""Where each table lives when the database is spread over several machines.

Every table of Duoline is declared through `table()` and says its placement. On one machine this changes
nothing; on a cluster the same registry drives distribution. The architecture tests walk the registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import MetaData, Table

metadata = MetaData()

Kind = Literal["distributed", "reference", "managed_local"]


@dataclass(frozen=True)
class Placement:
    """How a table is spread: `distributed` by `key` within `group`, copied to all, or kept in one place."""

    kind: Kind
    key: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Declared:
    """What the registry knows of one table."""

    package: str
    placement: Placement
    append_only: bool
    erasable: tuple[str, ...] = ()


registry: dict[str, Declared] = {}


def distributed(key: str, group: str) -> Placement:
    """Rows live with their `key`; tables of one `group` with equal keys live together."""
    return Placement("distributed", key, group)


def reference() -> Placement:
    """A full copy everywhere: slow-changing master data only, no counters, no locks."""
    return Placement("reference")


def managed_local() -> Placement:
    """One place, safe to write together with distributed rows."""
    return Placement("managed_local")


MEMBER = distributed("member_id", "member")
STOCK = distributed("location_id", "stock")


def table(
    package: str,
    name: str,
    placement: Placement,
    *parts: Any,
    append_only: bool = False,
    erasable: tuple[str, ...] = (),
) -> Table:
    """Declare a table: its owner package, placement, columns and constraints.

    `append_only` tables lose UPDATE and DELETE for the application's database role at migration. Of their columns those
    that are `erasable` may name a person, and `duo_forget_history` alone cuts that out.
    """
    registry[name] = Declared(package, placement, append_only, erasable)
    return Table(name, metadata, *parts)
