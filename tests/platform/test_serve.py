"""`duoline serve` as a person runs it: real processes, a real port, and what happens when one of them dies."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from duoline.kernel import postgres
from tests.platform.conftest import environment

SOON_S = 180.0


class Served:
    """A running `duoline serve` and what it printed."""

    def __init__(self, home: Path, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.process = subprocess.Popen(
            [sys.executable, "-m", "duoline", "serve", "--port", str(self.port)],
            env=environment(home, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SOON_S
        while not condition():
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def ready(self) -> Served:
        def look() -> bool:
            assert self.process.poll() is None, self.output
            return "is serving" in self.output and self.answers()

        self.wait_for(look)
        return self

    def child(self, *, worker: bool) -> psutil.Process:
        """The background worker, or the first process that answers requests."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = []
            for each in psutil.Process(self.process.pid).children():
                with suppress(psutil.NoSuchProcess):  # it has ended since it was listed
                    if each.status() != psutil.STATUS_ZOMBIE and ("duoline.entry.worker" in each.cmdline()) is worker:
                        found.append(each)
            return bool(found)

        self.wait_for(look)
        return found[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and wait until it and everything it printed are there."""
        self.process.send_signal(number)
        code = self.process.wait(SOON_S)
        self._reader.join(SOON_S)
        return code


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Served]:
    served = Served(home, **settings)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()
        served._reader.join(SOON_S)
        assert served.process.stdout is not None
        served.process.stdout.close()


def _ended(process: psutil.Process) -> bool:
    """Whether a process is gone, but for the exit code that its parent has not asked for yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_it_serves_says_where_and_ends_in_order(home: Path):
    with serving(home) as served:
        served.ready()
        assert "applied migrations/versions/0001" in served.output
        for name, path in (("Mall", "/"), ("Clerk", "/clerk/"), ("Console", "/console/"), ("API docs", "/api/docs")):
            assert re.search(rf"^  {name} +http://localhost:{served.port}{path}$", served.output, re.MULTILINE)
        status, body = served.get("/api/openapi.json")
        assert (status, json.loads(body)["openapi"][:2]) == (200, "3.")
        assert served.get("/healthz")[0] == 200
        assert served.get("/metrics")[0] == 200
        family = [psutil.Process(served.process.pid), *psutil.Process(served.process.pid).children()]
        assert len(family) >= 3
        assert served.end() == 0, served.output
        assert "Traceback" not in served.output, served.output
        assert [each for each in family if not _ended(each)] == []
        assert postgres.running(home) is None


def test_ctrl_c_ends_it_too(migrated_home: Path):
    with serving(migrated_home) as served:
        served.ready()
        assert "applied" not in served.output, "nothing was pending"
        os.killpg(served.process.pid, signal.SIGINT)  # as a terminal does, to every process at once
        assert served.process.wait(SOON_S) == 0
        assert "started again" not in served.output
        assert postgres.running(migrated_home) is None


def test_a_busy_port_is_said_before_anything_is_started(home: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "duoline", "serve", "--port", str(port)],
            env=environment(home),
            capture_output=True,
            text=True,
            timeout=SOON_S,
            check=False,
        )
    assert done.returncode == 1
    assert (
        done.stderr
        == f"duoline: DUOLINE_PORT ({port}) is in use by another program; stop that one, or choose another port.\n"
    )
    assert not (home / "postgres").exists()


def test_whatever_dies_comes_back(migrated_home: Path):
    with serving(migrated_home) as served:
        served.ready()

        killed = served.child(worker=True)
        killed.kill()
        served.wait_for(lambda: "the background worker ended (-9) and is started again" in served.output)
        assert served.child(worker=True).pid != killed.pid

        server = int((migrated_home / "postgres" / "postmaster.pid").read_text(encoding="ascii").split()[0])
        os.kill(server, signal.SIGKILL)
        served.wait_for(lambda: not psutil.pid_exists(server))
        served.wait_for(served.answers)
        served.wait_for(lambda: served.get("/api/mall/stores")[0] == 200)

        killed = served.child(worker=False)
        killed.kill()
        served.wait_for(lambda: _ended(killed))
        served.wait_for(served.answers)
        assert served.child(worker=False).pid != killed.pid

        assert served.end() == 0, served.output
    assert postgres.running(migrated_home) is None


def test_a_killed_parent_takes_its_processes_along_and_the_next_start_works(migrated_home: Path):
    with serving(migrated_home) as served:
        served.ready()
        children = psutil.Process(served.process.pid).children()
        served.process.kill()
        served.process.wait(SOON_S)
        served.wait_for(lambda: all(_ended(each) for each in children))
        # What they had started themselves ends a moment after them, and holds the port until then.
        served.wait_for(lambda: not listens(served.port))
        assert postgres.running(migrated_home) is not None, "the database outlives its owner, and is used again"
    with serving(migrated_home) as served:
        served.ready()
        assert served.end() == 0, served.output
    assert postgres.running(migrated_home) is None


def test_an_armed_fault_is_not_armed_again(migrated_home: Path):
    """A test that kills a process at a fault point wants the whole thing to end, not to come back and die again."""
    with serving(migrated_home, DUOLINE_FAULT="nothing.passes.here:kill") as served:
        served.ready()
        served.child(worker=False).kill()
        assert served.process.wait(SOON_S) == 1
    assert postgres.running(migrated_home) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_can_be_stopped_while_it_starts(home: Path, number: int):
    """The database must not be left behind, at whatever moment somebody changes their mind."""
    with serving(home) as served:
        served.wait_for(lambda: (home / "postgres" / "postmaster.pid").exists())
        served.end(number)
        served.wait_for(lambda: postgres.running(home) is None)


def test_a_wrong_setting_is_one_sentence(home: Path):
    done = subprocess.run(
        [sys.executable, "-m", "duoline", "serve"],
        env=environment(home, DUOLINE_PORT="many"),
        capture_output=True,
        text=True,
        timeout=SOON_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "duoline: DUOLINE_PORT cannot be used ('many'): it takes a whole number from 1 to 65535.\n"
