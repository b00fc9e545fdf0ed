"""Run `duoline import` in a process of its own, show how far it is, and measure it from outside."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.machine import machine_cpu_s

if TYPE_CHECKING:
    from collections.abc import Callable

SUMMARY = re.compile(r"([\d,]+) rows; ([\d,]+) changed something, ([\d,]+) were there")
STEP = re.compile(r"(reading|sorting|writing): ([\d,]+) .*?(\d+) MB$")


def postgres_cpu_s(home: Path) -> float:
    """Processor seconds of the server's processes that have ended, one of which was the import's."""
    pid = (home / "postgres" / "postmaster.pid").read_text().splitlines()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def import_file(
    kind: str,
    path: Path,
    environment: dict[str, str],
    *,
    mapping: Path | None = None,
    errors: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Import a file; the answer has its counts, its pace, its processor time on both sides and its memory.

    `say` gets the command's lines as they come. `others_cores` is what everybody else on the machine used meanwhile,
    which says how far to trust the pace. Memory in MB, by those lines: the peak, and what the process held when a
    tenth of the rows was read and when nearly all were.
    """
    home = Path(environment["DUOLINE_HOME"])
    command = [sys.executable, "-m", "duoline", "import", kind, str(path)]
    command += ["--mapping", str(mapping)] if mapping else []
    command += ["--errors", str(errors)] if errors else []
    before, before_pg = resource.getrusage(resource.RUSAGE_CHILDREN), postgres_cpu_s(home)
    began, busy = time.monotonic(), machine_cpu_s()
    told: list[str] = []
    with subprocess.Popen(command, env=environment | {"COLUMNS": "200"}, stderr=subprocess.PIPE, text=True) as program:
        for line in program.stderr or ():
            told.append(line.rstrip())
            say(told[-1])
    seconds, busy_s = time.monotonic() - began, machine_cpu_s() - busy
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = "\n".join(told)
    counts = SUMMARY.search(whole)
    if program.returncode > 1 or counts is None:
        raise SystemExit(whole)
    time.sleep(0.3)  # the server's process ends a moment after ours
    rows, changed, same = (int(text.replace(",", "")) for text in counts.groups())
    peak = re.search(r"(\d+) MB of memory", whole)
    process_cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    server_cpu_s = postgres_cpu_s(home) - before_pg
    return {
        "kind": kind,
        "rows": rows,
        "changed": changed,
        "same": same,
        "bad": rows - changed - same,
        "seconds": round(seconds, 1),
        "rows_per_s": round(rows / seconds),
        "process_cpu_s": round(process_cpu_s, 1),
        "postgres_cpu_s": round(server_cpu_s, 1),
        "others_cores": round(max(0.0, busy_s - process_cpu_s - server_cpu_s) / seconds, 1),
        "peak_mb": int(peak[1]) if peak else 0,
        **_memory(told, rows),
    }


def _memory(told: list[str], rows: int) -> dict[str, int]:
    """What was held at the first line after a tenth of the rows was read, and at the last line of reading."""
    steps = [(step[1], int(step[2].replace(",", "")), int(step[3])) for line in told if (step := STEP.match(line))]
    reading = [(read, megabytes) for name, read, megabytes in steps if name == "reading"]
    early = next((megabytes for read, megabytes in reading if read >= rows / 10), 0)
    return {"mb_at_a_tenth": early, "mb_at_the_end": reading[-1][1] if early else 0}
