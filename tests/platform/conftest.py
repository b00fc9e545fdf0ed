"""Fixtures for tests that start the program itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from duoline.entry.migrate import migrate
from duoline.kernel import postgres

Run = Callable[..., subprocess.CompletedProcess[str]]


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory with a short path that a server of another account can reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="duoline-home-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        with suppress(postgres.PostgresTrouble):
            postgres.stop(path)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty DUOLINE_HOME, removed at the end with whatever server still runs in it."""
    with _directory() as path:
        yield path


@pytest.fixture
def new_home() -> Iterator[Path]:
    """Another one."""
    with _directory() as path:
        yield path


@pytest.fixture(scope="session")
def _migrated() -> Iterator[Path]:
    """A home whose database is migrated and not running, to copy from."""
    with _directory() as home:
        with postgres.embedded(home) as access:
            asyncio.run(migrate(access))
        yield home


@pytest.fixture
def migrated_home(home: Path, _migrated: Path) -> Path:
    """The test's home, with a migrated database in it."""
    subprocess.run(["cp", "-a", f"{_migrated}/.", str(home)], check=True)
    return home


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a process of ours: a home of its own, and no setting of whoever runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DUOLINE_")}
    return own | {"DUOLINE_HOME": str(home), "DUOLINE_DEMO": "0", "COLUMNS": "200", "NO_COLOR": "1"} | settings


@pytest.fixture
def run(home: Path) -> Run:
    """Run `duoline …` to its end in the test's home."""

    def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "duoline", *arguments],
            env=environment(home, **settings),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return command
