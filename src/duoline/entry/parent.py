"""The parent process of `duoline serve`: the whole system on one machine.

It owns the embedded PostgreSQL, brings the schema up to date, fills an empty database with the demo chain (in
development), and then runs Granian's workers for the API and one process for background work. What is heavy and
done once runs in a process of its own, so that the parent, which lives as long as the shop is open, stays small.
"""

from __future__ import annotations

import asyncio
import errno
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from granian._internal import load_target
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from duoline.entry.lean import leave_out_unused, share_metrics
from duoline.entry.marks import DEMO_LOG_INS, DEMO_UNFINISHED
from duoline.entry.process import allow_open_files, die_with_parent
from duoline.entry.schema import pending
from duoline.kernel import postgres
from duoline.kernel.config import BadSetting, Settings, from_environment
from duoline.kernel.log import set_up as log_set_up

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

API = "duoline.entry.api:app"
# Requests beside the open streams that one process works on at a time; the rest waits in the kernel's queue.
REQUESTS_AT_ONCE = 512
KILL_API_AFTER_S = 5  # open streams never end by themselves
KILL_WORKER_AFTER_S = 30.0
WATCH_EVERY_S = 1.0
READY_WITHIN_S = 60.0


def main() -> None:
    """Serve by the settings in the environment; end with what a person can put right in one sentence."""
    try:
        settings = from_environment()
        log_set_up(settings.log_format, settings.log_level)
        # Until Granian handles it, an end signal unwinds the blocks below like Ctrl-C does, so that the database stops.
        signal.signal(signal.SIGTERM, _unwind)
        signal.signal(signal.SIGINT, _unwind)
        serve(settings)
    except KeyboardInterrupt:
        sys.exit(130)
    except (BadSetting, postgres.PostgresTrouble) as trouble:
        sys.exit(f"duoline: {trouble}")


def _unwind(*_: object) -> None:
    """Once is enough: a second signal must not interrupt the stopping of the database."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises `BadSetting` for a busy port, `PostgresTrouble` for the database."""
    require_free_port(settings)
    allow_open_files(settings.streams + REQUESTS_AT_ONCE + 256)
    with postgres.access(settings) as access:
        if asyncio.run(pending(access.owner_dsn)):
            _run("migrate")
        if settings.demo and ((settings.home / DEMO_UNFINISHED).exists() or asyncio.run(_is_empty(access.dsn))):
            _run("demo")
        # From here on everybody is the application: no child knows the owner of the tables.
        os.environ["DUOLINE_DATABASE_URL"] = access.dsn
        os.environ.pop("DUOLINE_OWNER_URL", None)
        share_metrics(settings.home)
        with _watched(settings, access):
            _serve_api(settings)


def require_free_port(settings: Settings) -> None:
    """Raise `BadSetting` unless the port can be listened on."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reasons = {
                errno.EADDRINUSE: "is in use by another program; stop that one, or choose another port.",
                errno.EACCES: "may be used by administrators only; choose a port above 1023.",
            }
            reason = reasons.get(error.errno or 0, f"cannot be listened on at {settings.host}: {error.strerror}.")
            raise BadSetting("DUOLINE_PORT", f"({settings.port}) {reason}") from error


async def _is_empty(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM stores)")
    finally:
        await connection.close()


def _run(name: str) -> None:
    """Run another command of ours to its end. It finds the same database by the same settings."""
    done = subprocess.run([sys.executable, "-m", "duoline", name], check=False)  # noqa: S603 - ourselves
    if done.returncode:
        sys.exit(done.returncode)


def _serve_api(settings: Settings) -> None:
    Server(
        API,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        backpressure=settings.streams + REQUESTS_AT_ONCE,
        workers_kill_timeout=KILL_API_AFTER_S,
        # A test that kills a worker at a fault point wants it dead, not back and armed again.
        respawn_failed_workers=not os.environ.get("DUOLINE_FAULT"),
        respawn_interval=0.5,
        log_level=LogLevels.warning,
    ).serve(target_loader=_load_api)


def _load_api(target: str) -> Any:
    """Runs in each worker, before its first request.

    SIGKILL when the parent is gone: Granian may hang on a SIGTERM that comes while it starts, and nobody would be
    there to end it. A request that is cut off is rolled back by the database and repeated with its key.
    """
    started_by = multiprocessing.parent_process()
    if started_by is not None and started_by.pid is not None:
        die_with_parent(signal.SIGKILL, parent=started_by.pid)
    settings = from_environment()
    log_set_up(settings.log_format, settings.log_level)
    leave_out_unused()
    return load_target(target)


@contextmanager
def _watched(settings: Settings, access: postgres.Access) -> Iterator[None]:
    """Background work beside the block, with a thread that starts again what died and tells when all is ready."""
    stop = threading.Event()
    worker = _start_worker()
    threads = [
        threading.Thread(target=_watch, args=(settings, access, worker, stop), name="watch"),
        threading.Thread(target=_announce, args=(settings, stop), name="announce", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        threads[0].join()


def _start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "duoline.entry.worker", str(os.getpid())])  # noqa: S603 - ourselves


def _watch(settings: Settings, access: postgres.Access, worker: subprocess.Popen[bytes], stop: threading.Event) -> None:
    """Keep the worker and the embedded server alive; at the end, let the worker finish what it has."""
    while not stop.wait(WATCH_EVERY_S):
        if worker.poll() is not None:
            log.error("the background worker ended (%s) and is started again", worker.returncode)
            worker = _start_worker()
        if access.embedded:
            try:
                postgres.revive(settings.home)
            except postgres.PostgresTrouble:
                log.exception("the database ended and could not be started again; trying on")
    worker.terminate()
    try:
        worker.wait(KILL_WORKER_AFTER_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _announce(settings: Settings, stop: threading.Event) -> None:
    """Print the addresses once the API answers."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not _answers(settings):
        if stop.wait(0.05):
            return
        if time.monotonic() > deadline:
            log.warning("the API has not answered for %d s; see the messages above", READY_WITHIN_S)
            return
    sys.stdout.write(_welcome(settings))
    sys.stdout.flush()


def _welcome(settings: Settings) -> str:
    pages = [("Mall", "/"), ("Clerk", "/clerk/"), ("Console", "/console/"), ("API docs", "/api/docs")]
    if settings.development:
        pages.append(("Inbox", "/dev/inbox"))
    lines = ["", "Duoline is serving.", *(f"  {name:<9} {settings.public_url}{path}" for name, path in pages)]
    log_ins = settings.home / DEMO_LOG_INS
    if settings.development and log_ins.exists():
        lines.append(log_ins.read_text(encoding="utf-8").rstrip())
    return "\n".join([*lines, "", ""])


def _answers(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - reading, not binding
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
