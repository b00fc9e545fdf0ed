"""The system under measurement: `duoline serve` on a home directory of the bench's own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from duoline.kernel import postgres

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class System:
    """A running system. `dsn` is the application's own access to the database; `start_s` how long its start took."""

    home: Path
    port: int
    process: subprocess.Popen[bytes]
    access: postgres.Access
    start_s: float

    def stop(self) -> None:
        """End it and wait for its end."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(home: Path, port: int) -> dict[str, str]:
    """Settings of the system: development, its own home, nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
    return {
        **kept,
        "DUOLINE_HOME": str(home),
        "DUOLINE_PORT": str(port),
        "DUOLINE_LOG_LEVEL": "WARNING",
        "DUOLINE_DEMO": "0",
        # Every buyer of the bench comes from this machine.
        "DUOLINE_GUEST_LIMITS": "0",
        "PYTHONPATH": str(CHECKOUT / "src"),
    }


def fill(home: Path, *options: str) -> None:
    """Load the demo chain of the given size."""
    subprocess.run(
        [sys.executable, "-m", "duoline", "demo", *options], check=True, env=environment(home, 1), cwd=CHECKOUT
    )


def start(home: Path, *, within_s: float = 180) -> System:
    """Start it and wait for the first request to be answered."""
    port = free_port()
    began = time.perf_counter()
    with (home / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "duoline", "serve"],
            env=environment(home, port),
            cwd=CHECKOUT,
            stdout=log,
            stderr=log,
        )
    while time.perf_counter() - began < within_s:
        if process.poll() is not None:
            raise RuntimeError(f"the system ended at its start; see {home / 'bench.log'}")
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
                connection.request("GET", "/api/mall/categories")
                if connection.getresponse().status == 200:
                    break
        except OSError:
            time.sleep(0.02)
    took = time.perf_counter() - began
    access = postgres.running(home)
    if access is None:
        raise RuntimeError("the database of the system is not running")
    return System(home, port, process, access, took)
