"""The embedded server: made right, shared, stopped by its last user, and safe to kill."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from duoline.kernel import postgres
from duoline.kernel.config import CHECKOUT, from_environment
from tests.platform.conftest import environment


async def _value(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def value(dsn: str, sql: str) -> Any:
    """The first value of a query on a connection of its own."""
    return asyncio.run(_value(dsn, sql))


def pid(home: Path) -> int:
    """The server's process."""
    return int((home / "postgres" / "postmaster.pid").read_text(encoding="ascii").split()[0])


def test_it_finds_chinese_text_whatever_the_locale_of_the_machine(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    with postgres.embedded(home) as access:
        assert asyncio.run(postgres.obstacles(access.dsn)) == []
        assert len(value(access.dsn, "SELECT show_trgm('羽绒服')")) == 4
        assert value(access.dsn, "SELECT lower('CAFÉ')") == "café"


def test_what_was_answered_is_on_disk(home: Path):
    with postgres.embedded(home) as access:
        for name, wanted in (("fsync", "on"), ("synchronous_commit", "on"), ("full_page_writes", "on"), ("jit", "off")):
            assert value(access.dsn, f"SHOW {name}") == wanted, name
        assert value(access.dsn, "SHOW data_checksums") == "on"
        assert value(access.dsn, "SHOW listen_addresses") == ""


def test_the_application_is_an_ordinary_role(home: Path):
    with postgres.embedded(home) as access:
        assert value(
            access.dsn, "SELECT current_user || ' ' || rolsuper FROM pg_roles WHERE rolname = current_user"
        ) == ("duoline false")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            value(access.dsn, "CREATE TABLE mine (n int)")


def test_only_its_own_account_reaches_the_socket(home: Path):
    with postgres.embedded(home):
        assert (home / "run").stat().st_mode & 0o077 == 0
        assert (home / "postgres").stat().st_mode & 0o077 == 0


def test_the_last_user_stops_it_and_the_data_stays(home: Path):
    with postgres.embedded(home) as access:
        value(access.owner_dsn, "CREATE TABLE kept AS SELECT 7 AS n")
        first = pid(home)
        with postgres.embedded(home):
            assert pid(home) == first
        assert postgres.running(home) is not None, "the outer user still needs it"
    assert postgres.running(home) is None
    with postgres.embedded(home) as access:
        assert value(access.owner_dsn, "SELECT n FROM kept") == 7


HOLD = """
import sys, time
from pathlib import Path
from duoline.kernel import postgres
with postgres.embedded(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(60)
"""


def _holder(home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True, env=environment(home)
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_another_process_keeps_it_running(home: Path):
    with _holder(home) as other:
        with postgres.embedded(home):
            pass
        assert postgres.running(home) is not None
        other.kill()
    with postgres.embedded(home) as access:
        assert value(access.dsn, "SELECT 1") == 1, "the server of a killed owner is used again"
    assert postgres.running(home) is None


def test_a_killed_server_comes_back_with_everything_committed(home: Path):
    with postgres.embedded(home) as access:
        value(access.owner_dsn, "CREATE TABLE kept AS SELECT 7 AS n")
        assert not postgres.revive(home), "it runs"
        os.kill(pid(home), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not postgres.revive(home):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert value(access.owner_dsn, "SELECT n FROM kept") == 7


def test_a_start_that_was_cut_off_is_begun_again(home: Path):
    making = home / "postgres.making"
    making.mkdir()
    (making / "PG_VERSION").write_text("18", encoding="ascii")
    with postgres.embedded(home) as access:
        assert value(access.dsn, "SELECT 1") == 1


def test_data_of_another_version_is_named(home: Path):
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("15\n", encoding="ascii")
    with (
        pytest.raises(postgres.PostgresTrouble, match=r"written by PostgreSQL 15.*duoline backup"),
        postgres.embedded(home),
    ):
        pass


def test_a_server_that_cannot_start_shows_its_log(home: Path):
    with postgres.embedded(home):
        pass
    with (
        pytest.raises(postgres.PostgresTrouble, match=r"unrecognized configuration parameter") as caught,
        postgres.embedded(home, {"no_such_setting": "1"}),
    ):
        pass
    assert "postgres.log" in str(caught.value)


def test_a_long_path_gets_its_socket_elsewhere(home: Path):
    deep = home / ("深" * 30) / ("d" * 40)
    with postgres.embedded(deep) as access:
        assert value(access.dsn, "SELECT 1") == 1
        assert str(deep) not in access.dsn


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_for_an_ordinary_user_too(home: Path):
    os.chown(home, 65534, 65534)
    child = os.fork()
    if child == 0:  # the interpreter itself may be out of reach for that user, so no new one is started
        status = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with postgres.embedded(home) as access:
                running = postgres.run_program("psql", "-XAt", "-c", "SELECT current_user", access.dsn)
                status = 0 if running.strip() == "duoline" else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_another_server_is_used_as_it_is(server: postgres.Access):
    settings = from_environment(
        {"DUOLINE_SECRET": "s" * 32, "DUOLINE_DATABASE_URL": server.dsn, "DUOLINE_OWNER_URL": server.owner_dsn}
    )
    with postgres.access(settings) as access:
        assert (access.dsn, access.owner_dsn, access.embedded) == (server.dsn, server.owner_dsn, False)
    assert value(server.dsn, "SELECT 1") == 1, "it is not ours to stop"


def test_obstacles_say_what_to_do(home: Path):
    """A server without our extensions and with the wrong LC_CTYPE, as a hosted one may be."""
    with postgres.embedded(home) as access:
        assert access.admin_dsn is not None
        value(access.admin_dsn, "CREATE DATABASE foreign_one TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
        dsn = access.admin_dsn.replace("/duoline?", "/foreign_one?")
        found = asyncio.run(postgres.obstacles(dsn))
        assert [obstacle.what for obstacle in found] == [
            "The extension btree_gist is missing",
            "The extension pg_trgm is missing",
        ]
        assert "CREATE EXTENSION pg_trgm;" in found[1].advice
        value(dsn, "CREATE EXTENSION pg_trgm")
        value(dsn, "CREATE EXTENSION btree_gist")
        (left,) = asyncio.run(postgres.obstacles(dsn))
        assert "finds nothing in Chinese text" in left.what
        assert "C.UTF-8" in left.advice
    (gone,) = asyncio.run(postgres.obstacles(access.dsn))
    assert "does not answer" in gone.what


def test_programs_come_from_the_package():
    assert postgres.programs().is_relative_to(CHECKOUT / ".venv") or postgres.programs().exists()
    assert postgres.run_program("postgres", "--version").startswith("postgres (PostgreSQL) 18")
    with pytest.raises(postgres.PostgresTrouble, match="psql failed"):
        postgres.run_program("psql", "-XAt", "-c", "SELECT 1", "postgresql://nobody@/nothing?host=/nowhere")
