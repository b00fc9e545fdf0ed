"""What every long-running process of Duoline does to the machine it runs on."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(number: int, *, parent: int | None = None) -> None:
    """Ask Linux to send this signal when the process that started this one ends, however it ends.

    Without it a killed `duoline serve` would leave processes behind that still hold the port. A process that takes
    long to start is told the number of its `parent`, which may be gone by now.
    """
    parent = os.getppid() if parent is None else parent
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def allow_open_files(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted` as far as the hard limit lets, and return what it is now.

    Each live-update stream is an open file, and the usual soft limit is 1024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        return target
    return soft


def migrate_first() -> None:
    """Bring the schema up to date, or end as `duoline migrate` ends, which has said why.

    In a process of its own: the migration library alone takes longer to load than most work.
    """
    done = subprocess.run([sys.executable, "-m", "duoline", "migrate"], check=False)
    if done.returncode:
        sys.exit(done.returncode)
