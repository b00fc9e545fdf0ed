"""The `duoline` command itself."""

from __future__ import annotations

from pathlib import Path

from duoline import __version__
from duoline.entry.cli import COMMANDS
from tests.platform.conftest import Run


def test_help_names_every_command(run: Run):
    done = run("--help")
    assert done.returncode == 0, done.stderr
    assert [name for name in COMMANDS if f" {name} " not in done.stdout] == []


def test_version(run: Run):
    assert run("--version").stdout == f"duoline {__version__}\n"


def test_an_unknown_command_is_refused(run: Run):
    done = run("sell")
    assert done.returncode == 2
    assert "sell" in done.stderr


def test_what_a_person_can_put_right_is_said_without_a_traceback(run: Run, home: Path):
    done = run("check", DUOLINE_WORKERS="none")
    assert done.returncode == 1
    assert "DUOLINE_WORKERS cannot be used ('none')" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("check", DUOLINE_DATABASE_URL=f"postgresql://duoline@/duoline?host={home}")
    assert done.returncode == 1
    assert "the database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands_are_loaded_only_when_asked_for(run: Run):
    """A start of the shop must not carry the migration library, the import's readers or the demo chain."""
    done = run("--version", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    for heavy in ("alembic", "sqlalchemy", "pyarrow", "openpyxl", "PIL", "jieba", "litestar", "pgqueuer"):
        assert f" {heavy}\n" not in done.stderr, heavy
