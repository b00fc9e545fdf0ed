"""The import contracts hold, and each of them fails the build when it is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from duoline.kernel.config import CHECKOUT

LINT = Path(sys.executable).with_name("lint-imports")

# contract -> (file to plant, its text). Each is the smallest thing the contract forbids.
PLANTED = {
    "layers": ("stores/planted.py", "import duoline.inventory\n"),
    "exhaustive": ("unnamed/__init__.py", '"""A package that no layer names."""\n'),
    "channels": ("channels/mall/planted.py", "import duoline.channels.console\n"),
    "frameworks": ("pricing/planted.py", "import litestar\n"),
    "pure": ("inventory/rules.py", "import asyncpg\n"),
    "pure through another": ("inventory/rules.py", "import duoline.inventory.queries\n"),
    "tables": ("orders/planted.py", "import duoline.orders.tables\n"),
    "cycles": ("ledger/planted.py", "import duoline.ledger.planted_too\n"),
}
ALSO = {
    "pure through another": ("inventory/queries.py", "import asyncpg\n"),
    "cycles": ("ledger/planted_too.py", "import duoline.ledger.planted\n"),
}
# Variants of one contract.
ID = {"exhaustive": "layers", "pure through another": "pure"}


CYCLES = CHECKOUT / "tests" / "architecture" / "cycles.toml"


def _lint(root: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the contracts of one file on the sources under `root`, whatever is installed."""
    return subprocess.run(
        [LINT, "--no-logo", "--no-cache", "--config", str(config), *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, to break."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(CHECKOUT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize("config", [CHECKOUT / "pyproject.toml", CYCLES], ids=["layers", "cycles"])
def test_every_contract_holds(config: Path):
    done = _lint(CHECKOUT, config)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_import_fails_the_build(checkout: Path, planted: str):
    contract = ID.get(planted, planted)
    changes = [change[planted] for change in (PLANTED, ALSO) if planted in change]
    paths = [checkout / "src" / "duoline" / name for name, _ in changes]
    before = [path.read_text(encoding="utf-8") if path.exists() else None for path in paths]
    try:
        for path, (_, text), old in zip(paths, changes, before, strict=True):
            path.parent.mkdir(exist_ok=True)
            path.write_text((old or "") + text, encoding="utf-8")
        config = CYCLES if contract == "cycles" else CHECKOUT / "pyproject.toml"
        done = _lint(checkout, config, "--contract", contract)
    finally:
        for path, old in zip(paths, before, strict=True):
            if old is None:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
            else:
                path.write_text(old, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout
    assert "planted" in done.stdout or "unnamed" in done.stdout or "asyncpg" in done.stdout
