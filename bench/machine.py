"""The machine and the processes on it: CPU used, memory held, what PostgreSQL itself can do."""

from __future__ import annotations

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text[text.rindex(")") + 2 :].split()


def descendants(root: int) -> list[int]:
    """A process and everything it started."""
    parent: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent[int(entry.name)] = int(_stat(int(entry.name))[1])
            except (OSError, ValueError, IndexError):
                continue
    found = [root]
    for pid in found:
        found += [child for child, of in parent.items() if of == pid]
    return found


def postmaster(home: Path) -> int:
    """The process of the embedded PostgreSQL under a home directory."""
    return int((home / "postgres" / "postmaster.pid").read_text(encoding="utf-8").split()[0])


def cpu_s(pids: list[int]) -> float:
    """CPU seconds that processes have used, including children they have waited for."""
    total = 0.0
    for pid in pids:
        try:
            fields = _stat(pid)
        except OSError:
            continue
        total += sum(int(fields[n]) for n in (11, 12, 13, 14)) * TICK_S
    return total


def rss_mb(pids: list[int]) -> float:
    """Memory that processes hold, shared pages counted in each, in MiB."""
    total = 0
    for pid in pids:
        try:
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
        except OSError:
            continue
        total += int(found.group(1)) if found else 0
    return total / 1024


def machine_cpu_s() -> float:
    """CPU seconds that the whole machine has used."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()[1:]
    idle = int(fields[3]) + int(fields[4])
    return (sum(int(field) for field in fields[:8]) - idle) * TICK_S


@dataclass
class Meter:
    """CPU used between two moments by the application, by PostgreSQL, by this client, by everybody else."""

    parent: int
    home: Path

    def __post_init__(self) -> None:
        self._app = [pid for pid in descendants(self.parent) if pid not in set(descendants(postmaster(self.home)))]
        self._before = self._read()

    def _read(self) -> tuple[float, float, float, float, float]:
        postgres = descendants(postmaster(self.home))
        return cpu_s(self._app), cpu_s(postgres), sum(os.times()[:2]), machine_cpu_s(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds used since the meter was made; `others` is in cores."""
        app, postgres, client, machine, at = (
            now - before for now, before in zip(self._read(), self._before, strict=True)
        )
        return {"app": app, "postgres": postgres, "client": client, "others": (machine - app - postgres - client) / at}


def pgbench(programs: Path, dsn: str, *, seconds: int, clients: int = 8, scale: int = 20) -> float:
    """TPC-B transactions a second on the same server, as `pgbench` measures them."""
    tool = str(programs / "pgbench")
    environment = {**os.environ, "PGOPTIONS": "-c synchronous_commit=on"}
    subprocess.run([tool, "-i", "-q", "-s", str(scale), dsn], check=True, capture_output=True, env=environment)
    done = subprocess.run(
        [tool, "-c", str(clients), "-j", "2", "-T", str(seconds), "-M", "prepared", dsn],
        check=True, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found.group(1))
