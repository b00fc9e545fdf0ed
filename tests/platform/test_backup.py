"""A backup is complete, proves itself, and stands up elsewhere."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from duoline.entry import backups
from duoline.kernel import postgres
from tests.platform.conftest import Run

GOODS = """
INSERT INTO categories (id, code, name_zh, name_en) VALUES (gen_random_uuid(), 'milk', '奶粉', 'Milk powder');
INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject, reason)
VALUES (gen_random_uuid(), '2026-11-21 08:00+00', 'system', gen_random_uuid(), 'Duoline', 'price.set', 'sku', 'A1', '');
"""


def psql(access: postgres.Access, sql: str) -> str:
    return postgres.run_program("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, access.dsn)


@pytest.fixture
def shop(migrated_home: Path) -> Path:
    """A home with goods in the database, a picture, and a sandbox ledger that somebody writes to."""
    home = migrated_home
    with postgres.embedded(home) as access:
        psql(access, GOODS)
    picture = home / "media" / "ab" / "abcd"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\x89PNG")
    (home / "sandbox").mkdir()
    with sqlite3.connect(home / "sandbox" / "ledger.db") as ledger:
        ledger.execute("PRAGMA journal_mode=WAL")
        ledger.execute("CREATE TABLE paid (amount_minor INTEGER)")
        ledger.execute("INSERT INTO paid VALUES (1990)")
    ledger.close()
    return home


def test_a_restored_shop_is_the_same_shop(shop: Path, new_home: Path, run: Run, tmp_path: Path):
    using = sqlite3.connect(shop / "sandbox" / "ledger.db")  # the provider goes on while the backup is made
    using.execute("SELECT * FROM paid").fetchall()
    done = run("backup", str(tmp_path / "kept"))
    using.close()
    assert done.returncode == 0, done.stderr
    new = new_home / "deeper"
    done = run("restore", str(tmp_path / "kept"), "--home", str(new))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "invariants hold" in done.stdout
    assert (new / "media" / "ab" / "abcd").read_bytes() == b"\x89PNG"
    assert (new / "secret").read_text(encoding="ascii") == (shop / "secret").read_text(encoding="ascii")
    assert (new / "secret").stat().st_mode & 0o777 == 0o600
    copy = sqlite3.connect(new / "sandbox" / "ledger.db")
    assert copy.execute("SELECT amount_minor FROM paid").fetchall() == [(1990,)]
    copy.close()
    with postgres.embedded(new) as access:
        assert psql(access, "SELECT name_zh FROM categories").strip() == "奶粉"
        assert psql(access, "SELECT action FROM audit_log").strip() == "price.set"
        # A dump carries no rights: they are set again, or the restored shop could rewrite its books.
        assert psql(access, "SELECT has_table_privilege('audit_log', 'DELETE')").strip() == "f"
        assert psql(access, "SELECT count(*) FROM pgqueuer.pgqueuer").strip() == "0"
    assert run("check", DUOLINE_HOME=str(new)).returncode == 0


def test_a_backup_has_a_place_of_its_own(shop: Path, run: Run):
    assert run("backup").returncode == 0
    (kept,) = (shop / "backups").iterdir()
    manifest = backups.read(kept)
    assert set(manifest.files) == {
        "database.dump",
        "home/media/ab/abcd",
        "home/sandbox/ledger.db",
        "home/secret",
    }


def test_a_damaged_backup_is_refused(shop: Path, run: Run, tmp_path: Path):
    kept = tmp_path / "kept"
    assert run("backup", str(kept)).returncode == 0
    picture = kept / "home" / "media" / "ab" / "abcd"
    picture.write_bytes(b"\x89PNX")
    done = run("restore", str(kept), "--home", str(tmp_path / "new"))
    assert done.returncode == 1
    assert "home/media/ab/abcd is not what was backed up" in done.stderr
    assert not (tmp_path / "new").exists(), "nothing was made"
    picture.unlink()
    with pytest.raises(backups.BackupTrouble, match="is missing"):
        backups.read(kept)


def test_nothing_is_overwritten(shop: Path, run: Run, tmp_path: Path):
    kept = tmp_path / "kept"
    assert run("backup", str(kept)).returncode == 0
    again = run("backup", str(kept))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    onto_itself = run("restore", str(kept), "--home", str(shop))
    assert onto_itself.returncode == 1
    assert "is not empty" in onto_itself.stderr


def test_what_is_no_backup_is_named(run: Run, tmp_path: Path):
    done = run("restore", str(tmp_path))
    assert done.returncode == 1
    assert "is no backup: it has no manifest.json" in done.stderr
