"""The rules of placement, as a function from declared tables to sentences about what breaks them.

They are the conditions under which the same schema can be spread over several machines: rows that are written
together live together, and nothing that must be unique needs to look at more than one machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import UUID, ExcludeConstraint
from sqlalchemy.types import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Constraint, ForeignKeyConstraint, MetaData, Table

    from duoline.kernel.placement import Declared

# Packages in layers, lowest first. A foreign key may point to the same package or to a lower layer.
LAYERS = (
    ("kernel",),
    ("stores",),
    ("catalog", "members", "ledger"),
    ("pricing", "inventory", "payments", "loyalty", "wallet"),
    ("favourites",),
    ("orders",),
    ("fulfilment",),
    ("attribution", "insight"),
    ("settlement",),
    ("engagement",),
    ("flows",),
    ("channels", "adapters", "imports"),
)
LAYER = {package: depth for depth, packages in enumerate(LAYERS) for package in packages}
NAME_LENGTH_MAX = 50


def faults(metadata: MetaData, registry: Mapping[str, Declared]) -> list[str]:
    """Every rule that a declared table breaks, one sentence each."""
    found = [f"{name}: has no placement" for name in metadata.tables if name not in registry]
    found += [f"{name}: has a placement and is no table" for name in registry if name not in metadata.tables]
    for name, table in metadata.tables.items():
        if name in registry:
            found += [f"{name}: {fault}" for fault in _faults(table, registry)]
    return [*found, *_twice(metadata)]


def _faults(table: Table, registry: Mapping[str, Declared]) -> Iterator[str]:
    declared = registry[table.name]
    if declared.package not in LAYER:
        yield f"its package {declared.package} is in no layer"
    if not table.primary_key.columns:
        yield "has no primary key"
    yield from _names(table)
    yield from _columns(table)
    if declared.placement.kind == "distributed":
        yield from _distribution(table, declared.placement.key or "")
    for key in table.foreign_key_constraints:
        yield from _foreign_key(key, declared, registry)


def _names(table: Table) -> Iterator[str]:
    for item in (*table.constraints, *table.indexes):
        if not item.name:
            yield f"an unnamed {type(item).__name__} on {_columns_of(item)}"
        elif len(str(item.name)) > NAME_LENGTH_MAX:
            yield f"the name {item.name} is longer than {NAME_LENGTH_MAX} characters"


def _columns(table: Table) -> Iterator[str]:
    for column in table.columns:
        if isinstance(column.type, DateTime) and not column.type.timezone:
            yield f"{column.name} is an instant without a zone"
        if column.server_default is not None and "now()" in str(getattr(column.server_default, "arg", "")).lower():
            yield f"{column.name} defaults to now(): instants are bound parameters"
        numbered = column.identity is not None or column is table._autoincrement_column
        if numbered and not isinstance(column.type, BigInteger):
            yield f"{column.name} counts in 32 bits"


def _distribution(table: Table, key: str) -> Iterator[str]:
    column = table.columns.get(key)
    if column is None:
        yield f"has no column {key} to be distributed by"
        return
    # Compared byte by byte and hashed the same everywhere. A generated column cannot distribute.
    if column.computed is not None or not isinstance(column.type, UUID | BigInteger | Text | LargeBinary):
        yield f"its distribution column {key} must be a plain uuid, bigint, text or bytea"
    for item in (*table.constraints, *(index for index in table.indexes if index.unique)):
        if isinstance(item, PrimaryKeyConstraint | UniqueConstraint | Index):
            columns = _columns_of(item)
            if not columns or columns[0] != key:
                yield f"{item.name} is unique without {key} as its first column"
        if isinstance(item, ExcludeConstraint) and (key, "=") not in {
            (getattr(expression, "name", None), operator) for expression, _, operator in item._render_exprs
        }:
            yield f"{item.name} excludes without {key} WITH ="


def _foreign_key(key: ForeignKeyConstraint, declared: Declared, registry: Mapping[str, Declared]) -> Iterator[str]:
    target = key.referred_table.name
    other = registry.get(target)
    if other is None:
        return
    here, there = declared.placement, other.placement
    if there.kind == "distributed":
        together = here.kind == "distributed" and (here.group, here.key is None) == (there.group, False)
        pairs = [(element.parent.name, element.column.name) for element in key.elements]
        if not together:
            yield f"{key.name} points to {target}, whose rows live elsewhere"
        elif pairs[0] != (here.key, there.key):
            yield f"{key.name} does not start with the distribution columns"
    elif there.kind == "managed_local" and here.kind != "managed_local":
        yield f"{key.name} points from a spread table to {target}, which is in one place"
    if declared.package != other.package and LAYER.get(other.package, 0) >= LAYER.get(declared.package, 0):
        yield f"{key.name} points up or sideways, from {declared.package} to {other.package}"


def _twice(metadata: MetaData) -> Iterator[str]:
    """Index names are one space; a second one of a name would only fail on the server."""
    seen: dict[str, str] = {}
    for table in metadata.tables.values():
        for item in (*table.indexes, *table.constraints):
            if isinstance(item, Index | PrimaryKeyConstraint | UniqueConstraint | ExcludeConstraint) and item.name:
                name = str(item.name)
                if name in seen:
                    yield f"{table.name}: the name {name} is used by {seen[name]} too"
                seen[name] = table.name


def _columns_of(item: Constraint | Index) -> list[str]:
    columns: Any = getattr(item, "columns", ())
    return [column.name for column in columns]
