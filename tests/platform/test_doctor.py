"""The doctor finds each thing that can be wrong, and says what to do."""

from __future__ import annotations

import io
import os
import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest
from rich.console import Console

from duoline.entry import doctor, retell
from duoline.kernel import aside, outbox, postgres
from duoline.kernel.config import VARIABLES, from_environment
from duoline.kernel.db import Database
from tests.platform.conftest import Run

SECRET = "s" * 32


def by_state(found: list[doctor.Finding], state: str) -> dict[str, doctor.Finding]:
    return {finding.about: finding for finding in found if finding.state == state}


def settings(home: Path, **more: str):
    return from_environment({"DUOLINE_HOME": str(home), "DUOLINE_SECRET": SECRET, **more})


def test_a_fresh_machine_is_well_and_stays_untouched(home: Path, run: Run):
    done = run("doctor", DUOLINE_PORT="8931")
    assert done.returncode == 0, done.stdout
    assert "none yet; the first start makes it" in done.stdout
    assert "Nothing is wrong." in done.stdout
    assert not (home / "postgres").exists()


def test_a_running_shop_is_well(migrated_home: Path, run: Run):
    done = run("doctor", DUOLINE_PORT="8931")
    assert done.returncode == 0, done.stdout
    assert "finds Chinese text" in done.stdout
    assert "up to date" in done.stdout
    assert postgres.running(migrated_home) is None, "it stops what it started"


def test_a_bad_setting_is_the_end_of_the_look():
    found = doctor.examine({"DUOLINE_PORT": "x"})
    assert "DUOLINE_PORT" in by_state(found, "bad")["settings"].text
    assert "--settings" in by_state(found, "bad")["settings"].advice


def test_the_settings_are_explained(run: Run):
    done = run("doctor", "--settings")
    assert done.returncode == 0
    assert [variable.name for variable in VARIABLES if variable.name not in done.stdout] == []


def test_who_sends_the_messages(home: Path):
    production = {"DUOLINE_ENV": "production"}
    assert doctor.messages(settings(home)).state == "good"
    nobody = doctor.messages(settings(home, **production))
    assert (nobody.state, "DUOLINE_SMS_WEBHOOK" in nobody.advice) == ("bad", True)
    gateway = {"DUOLINE_SMS_WEBHOOK": "https://user:hidden@gateway.example/x", "DUOLINE_SMS_SECRET": SECRET}
    found = doctor.messages(settings(home, **production, **gateway))
    assert (found.state, found.text) == ("good", "posted to gateway.example, signed")


def test_where_members_log_in_by_wechat(home: Path):
    production = {"DUOLINE_ENV": "production", "DUOLINE_PUBLIC_URL": "https://shop.example"}
    account = {"DUOLINE_WECHAT_APP_ID": "wx1", "DUOLINE_WECHAT_SECRET": "hidden"}
    site = {"DUOLINE_WECHAT_SITE_APP_ID": "wx2", "DUOLINE_WECHAT_SITE_SECRET": "hidden"}
    assert doctor.wechat(settings(home)).text == "played by the sandbox, /wechat"
    assert "by phone" in doctor.wechat(settings(home, **production)).text
    assert "inside WeChat only" in doctor.wechat(settings(home, **production, **account)).text
    assert "other browsers" in doctor.wechat(settings(home, **production, **account, **site)).text
    plain = doctor.wechat(settings(home, **{**production, "DUOLINE_PUBLIC_URL": "http://shop.example"}, **account))
    assert (plain.state, "DUOLINE_PUBLIC_URL" in plain.advice) == ("bad", True)


def test_an_inbox_that_others_can_read(home: Path):
    inbox = home / "inbox.sqlite3"
    inbox.touch(0o644)
    inbox.chmod(0o644)
    found = doctor.messages(settings(home))
    assert (found.state, found.advice) == ("bad", f"Run: chmod 600 {inbox}")
    inbox.chmod(0o600)
    assert doctor.messages(settings(home)).state == "good"


def test_a_port_in_use(home: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        finding = doctor.port(settings(home, DUOLINE_PORT=str(number)))
    assert (finding.state, "DUOLINE_PORT" in finding.advice) == ("bad", True)
    assert doctor.port(settings(home, DUOLINE_PORT=str(number))).state == "good"


class Usage(NamedTuple):
    """As shutil.disk_usage gives it."""

    total: int
    used: int
    free: int


def test_a_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch):
    for free_mb, state in ((100, "bad"), (2_000, "note"), (50_000, "good")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _place, free=free_mb: Usage(0, 0, free * 1_000_000))
        assert [finding.state for finding in doctor.home(settings(home)) if finding.about == "disk"] == [state]


def test_a_secret_that_others_can_read(home: Path):
    (home / "secret").write_text(SECRET, encoding="ascii")
    (home / "secret").chmod(0o644)
    found = by_state(list(doctor.home(settings(home))), "bad")
    assert found["secret"].advice == f"Run: chmod 600 {home / 'secret'}"


def test_a_machine_without_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor.sys, "executable", str(tmp_path / "python"))
    assert {finding.about for finding in doctor.tools() if finding.state == "note"} == {"Node", "Chromium", "fonts"}


def test_a_database_that_does_not_answer(home: Path):
    url = f"postgresql://duoline@/duoline?host={home}"
    (finding,) = doctor.database(settings(home, DUOLINE_DATABASE_URL=url))
    assert finding.state == "bad"
    assert "does not answer" in finding.text
    assert "DUOLINE_DATABASE_URL" in finding.advice


async def _found(access: postgres.Access, *statements: str, dsn: str | None = None) -> dict[str, doctor.Finding]:
    """What is bad about a database after the statements were run by the owner."""
    owner = await asyncpg.connect(access.owner_dsn)
    for statement in statements:
        await owner.execute(statement)
    await owner.close()
    there = postgres.Access(dsn or access.dsn, access.owner_dsn)
    return by_state(await doctor._collect(there), "bad")


async def test_a_database_that_is_well(access: postgres.Access):
    assert await _found(access) == {}


async def test_a_schema_that_is_behind(access: postgres.Access):
    found = await _found(access, "DELETE FROM schema_files WHERE path = 'pgqueuer'")
    assert found["schema"].text == "1 parts are not applied, first pgqueuer"
    assert found["schema"].advice == "Run `duoline migrate`."


async def test_rights_that_somebody_gave_away(access: postgres.Access):
    found = await _found(access, "GRANT DELETE ON journals TO duoline", "GRANT UPDATE ON audit_log TO duoline")
    assert found["rights"].text == "the application may change audit_log, journals"


async def test_a_superuser(access: postgres.Access):
    found = await _found(access, dsn=access.admin_dsn)
    assert "superuser" in found["rights"].text


async def test_jobs_that_were_given_up(access: postgres.Access):
    job = "INSERT INTO pgqueuer.pgqueuer (priority, entrypoint, status) VALUES (0, 'refund.send', 'failed')"
    found = await _found(access, job, job)
    assert found["jobs"].text == "held after their last attempt: 2 × refund.send"


async def test_events_that_nobody_moves(access: postgres.Access):
    found = await _found(
        access,
        "INSERT INTO local_outbox (id, topic, key, payload, at) "
        "VALUES (gen_random_uuid(), 'orders.placed', 'A1', '{}', '2026-01-02 03:04+00')",
    )
    assert found["events"].text == "the oldest one waits since 2026-01-02 03:04 UTC"


async def test_events_that_could_not_be_digested(access: postgres.Access):
    aside = (
        "INSERT INTO flow_records (id, name, key, step, data, state, run_at, created_at, updated_at) VALUES"
        " (gen_random_uuid(), 'event:points', '7', 'orders.sold', '{}', 'failed', now(), now(), now()),"
        " (gen_random_uuid(), 'event:points', '8', 'orders.sold', '{}', 'done', now(), now(), now())"
    )
    found = await _found(access, aside)
    assert found["put aside"].text == "1 could not be digested and are put aside"


async def test_events_are_listed_and_told_again_by_a_command(access: postgres.Access):
    db = await Database.connect(access.dsn, size_max=1)
    try:
        async with db.begin() as tx:
            event = outbox.Event(7, "orders.sold", "A1", {}, None, (), datetime.now(UTC))
            await aside.put_aside(tx, "points", event, attempts=5, problem="ValueError: no")
        [one] = await aside.list_aside(db, limit=9)
        console = Console(file=io.StringIO(), width=200)
        missing = UUID(int=1)
        await retell.events(access.dsn, console, again=[missing], everything=False, reason="")
        assert not (await aside.list_aside(db, limit=9))[0].asked
        await retell.events(access.dsn, console, again=(), everything=True, reason="mended")
        assert (await aside.list_aside(db, limit=9))[0].asked
    finally:
        await db.close()
    shown = console.file.getvalue()
    assert f"{missing}: nothing is put aside by this id." in shown
    assert str(one.id) in shown
    assert "ValueError: no" in shown
    assert "to be told again by the worker" in shown


async def test_a_consumer_that_is_behind(access: postgres.Access):
    found = await _found(
        access,
        "INSERT INTO event_log (id, source_id, topic, key, payload, store_ids, at) OVERRIDING SYSTEM VALUE"
        " VALUES (5, gen_random_uuid(), 'orders.sold', 'A1', '{}', '{}', '2026-01-02 03:04+00')",
        "INSERT INTO event_offsets (consumer, last_id) VALUES ('points', 4), ('settlement', 5)",
    )
    assert found["consumers"].text == "behind: points since 2026-01-02 03:04 UTC"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(home: Path):
    home.chmod(0o500)
    assert "home" in by_state(list(doctor.home(settings(home / "new"))), "bad")
