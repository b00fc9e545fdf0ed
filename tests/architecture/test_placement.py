"""Every table says where it lives, and keeps the rules that let it live there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

from duoline.entry.metadata import metadata, registry
from duoline.kernel.config import CHECKOUT
from duoline.kernel.db import Database
from duoline.kernel.placement import MEMBER, STOCK, Declared, managed_local, reference
from tests.architecture.placement_rules import faults

SOURCES = CHECKOUT / "src" / "duoline"


def test_every_declared_table_keeps_the_rules():
    assert faults(metadata, registry) == []


def test_every_file_of_tables_is_in_the_metadata():
    listed = (SOURCES / "entry" / "metadata.py").read_text(encoding="utf-8")
    modules = [_module(path) for path in SOURCES.rglob("tables.py")]
    assert len(modules) > 5
    assert [module for module in modules if f"import {module}\n" not in listed.replace("  # noqa", "\n")] == []


async def test_the_database_has_exactly_the_declared_tables(shared_db: Database):
    rows = await shared_db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in rows} == set(registry) | {"alembic_version", "schema_files"}


async def test_no_triggers_no_rules_no_views(shared_db: Database):
    triggers = await shared_db.fetch(
        """
        SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
        """
    )
    rules = await shared_db.fetch("SELECT tablename, rulename FROM pg_rules WHERE schemaname = 'public'")
    assert [*triggers, *rules] == []


CLOCKS = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random|gen_random_uuid|uuidv[47])\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)


def test_sql_files_ask_nobody_for_the_time_or_for_chance():
    """Instants, ids and randoms are bound parameters: a cluster evaluates such a function once a shard."""
    found = [
        f"{path.name}: {match[0]}"
        for path in SOURCES.rglob("*.sql")
        for match in CLOCKS.finditer(_without_comments(path))
    ]
    assert found == []


def _without_comments(path: Path) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)


# --- planted violations: each rule can fail -----------------------------------------------------


def _faults_of(placement, *parts, package="orders", name="planted"):
    """What the rules say of one table among a member's, a location's, a reference and a local one."""
    planted = MetaData()
    known = {
        "members": Declared("members", MEMBER, append_only=False),
        "levels": Declared("inventory", STOCK, append_only=False),
        "stores": Declared("stores", reference(), append_only=False),
        "staff": Declared("stores", managed_local(), append_only=False),
    }
    for other, key in (("members", "member_id"), ("levels", "location_id"), ("stores", "id"), ("staff", "id")):
        Table(other, planted, _uid(key), _uid("n"), PrimaryKeyConstraint(key, "n", name=f"{other}_pk"))
    Table(name, planted, *parts)
    if placement is not None:
        known[name] = Declared(package, placement, append_only=False)
    return faults(planted, known)


def _uid(name, **options):
    return Column(name, UUID(as_uuid=True), **{"nullable": False, **options})


def _pk(*columns):
    return PrimaryKeyConstraint(*columns, name="planted_pk")


def test_a_table_that_keeps_the_rules_has_no_faults():
    key = ForeignKeyConstraint(["member_id", "id"], ["members.member_id", "members.n"], name="planted_member_fk")
    assert _faults_of(MEMBER, _uid("member_id"), _uid("id"), _pk("member_id", "id"), key) == []


@pytest.mark.parametrize(
    ("placement", "parts", "fault"),
    [
        pytest.param(None, [_uid("id"), _pk("id")], "has no placement", id="no placement"),
        pytest.param(reference(), [_uid("id")], "has no primary key", id="no primary key"),
        pytest.param(MEMBER, [_uid("id"), _pk("id")], "has no column member_id", id="no key column"),
        pytest.param(
            MEMBER, [_uid("member_id"), _uid("id"), _pk("id", "member_id")], "planted_pk is unique", id="key not first"
        ),
        pytest.param(
            MEMBER,
            [_uid("member_id"), _uid("a"), _pk("member_id", "a"), UniqueConstraint("a", name="planted_a_uq")],
            "planted_a_uq is unique without member_id",
            id="unique without key",
        ),
        pytest.param(
            MEMBER,
            [_uid("member_id"), _uid("a"), _pk("member_id", "a"), Index("planted_a_ix", "a", unique=True)],
            "planted_a_ix is unique without member_id",
            id="unique index without key",
        ),
        pytest.param(
            reference(), [_uid("id"), _pk("id"), UniqueConstraint("id")], "an unnamed UniqueConstraint", id="unnamed"
        ),
        pytest.param(
            reference(), [_uid("id"), PrimaryKeyConstraint("id", name="p" * 51)], "longer than 50", id="long name"
        ),
        pytest.param(
            reference(),
            [_uid("id"), Column("at", TIMESTAMP), _pk("id")],
            "at is an instant without a zone",
            id="no zone",
        ),
        pytest.param(
            reference(),
            [_uid("id"), Column("at", TIMESTAMP(timezone=True), server_default="now()"), _pk("id")],
            "at defaults to now()",
            id="default now",
        ),
        pytest.param(managed_local(), [Column("id", Integer), _pk("id")], "id counts in 32 bits", id="small serial"),
        pytest.param(
            reference(),
            [_uid("id"), _pk("id"), ForeignKeyConstraint(["id"], ["members.n"], name="planted_fk")],
            "whose rows live elsewhere",
            id="reference to distributed",
        ),
        pytest.param(
            MEMBER,
            [
                _uid("member_id"),
                _uid("sku_id"),
                _pk("member_id", "sku_id"),
                ForeignKeyConstraint(["member_id", "sku_id"], ["levels.location_id", "levels.n"], name="planted_fk"),
            ],
            "whose rows live elsewhere",
            id="across groups",
        ),
        pytest.param(
            MEMBER,
            [
                _uid("member_id"),
                _uid("id"),
                _pk("member_id", "id"),
                ForeignKeyConstraint(["id", "member_id"], ["members.member_id", "members.n"], name="planted_fk"),
            ],
            "does not start with the distribution columns",
            id="key in another place",
        ),
        pytest.param(
            reference(),
            [_uid("id"), _pk("id"), ForeignKeyConstraint(["id"], ["staff.id"], name="planted_fk")],
            "which is in one place",
            id="reference to local",
        ),
    ],
)
def test_planted_table_is_found(placement, parts, fault):
    found = _faults_of(placement, *parts)
    assert any(fault in sentence for sentence in found), found


def test_a_foreign_key_up_the_layers_is_found():
    key = ForeignKeyConstraint(["id"], ["stores.id"], name="planted_fk")
    found = _faults_of(reference(), _uid("id"), _pk("id"), key, package="kernel")
    assert found == ["planted: planted_fk points up or sideways, from kernel to stores"]


def test_a_name_used_twice_is_found():
    found = _faults_of(reference(), _uid("id"), PrimaryKeyConstraint("id", name="stores_pk"))
    assert found == ["planted: the name stores_pk is used by stores too"]
