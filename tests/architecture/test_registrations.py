"""Lists that must be complete because nothing else would notice a missing line."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

from duoline.entry import check
from duoline.entry.cli import COMMANDS
from duoline.kernel.config import CHECKOUT

SOURCES = CHECKOUT / "src" / "duoline"
REGISTERS = re.compile(r"^@(?:\w+\.)?(?:jobs\.(?:handler|cron|service)|(?:outbox\.)?consumer)\(", re.MULTILINE)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)


def _imported_by(path: Path) -> set[str]:
    text = path.read_text(encoding="utf-8")
    return set(re.findall(r"^import ([\w.]+)", text, re.MULTILINE)) | set(
        re.findall(r"^from ([\w.]+) import", text, re.MULTILINE)
    )


def test_every_registering_module_is_in_the_background():
    registering = {
        _module(path) for path in SOURCES.rglob("*.py") if REGISTERS.search(path.read_text(encoding="utf-8"))
    }
    assert len(registering) >= 2
    assert sorted(registering - _imported_by(SOURCES / "entry" / "background.py")) == []


def test_every_invariant_is_checked():
    declared = {_module(path): importlib.import_module(_module(path)) for path in SOURCES.rglob("invariants.py")}
    assert len(declared) >= 5
    assert sorted(set(declared) - _imported_by(SOURCES / "entry" / "findings.py")) == []
    every = [invariant for module in declared.values() for invariant in module.INVARIANTS]
    assert sorted(check.INVARIANTS) == sorted(every)
    names = [name for name, _, _ in every]
    assert len(set(names)) == len(names)


def test_every_command_has_its_module():
    for name, module in COMMANDS.items():
        command = importlib.import_module(f"duoline.entry.{module}").command
        assert command.__doc__, name


def test_lock_files_name_no_address():
    for lock in CHECKOUT.glob("requirements*.lock"):
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


def test_the_package_and_the_project_have_one_version():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert importlib.import_module("duoline").__version__ == project["version"]
