"""What a backup is: a directory with the database, the files and a manifest that proves both.

    manifest.json     what was backed up, when, by which version, and the SHA-256 of every other file
    database.dump     pg_dump's own format, one consistent snapshot
    home/             pictures, import files, the sandbox ledger and the secret, as in DUOLINE_HOME

The database is dumped first and the files are copied after it. Pictures are named by their content and never
change, so every picture the dump speaks of is among them. Whoever holds a backup holds the shop's secret and
its members' names: keep it like money.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from duoline import __version__
from duoline.kernel import clock, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "manifest.json"
DUMP = "database.dump"
HOME = "home"
FORMAT = 1
# Of DUOLINE_HOME, what is not the database's own. Missing ones are simply not there yet.
KEPT = ("media", "imports", "sandbox", "secret")
SQLITE_HEADER = b"SQLite format 3\x00"


class BackupTrouble(postgres.PostgresTrouble):
    """A backup cannot be written or restored; the text says why."""


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `files` maps each path in it to its SHA-256."""

    format: int
    duoline: str
    made_at: Any
    files: dict[str, str]


def write(owner_dsn: str, home: Path, target: Path) -> Manifest:
    """Write a backup to a new directory. It gets its name at the very end, so a directory with it is complete."""
    if target.exists():
        raise BackupTrouble(f"{target} exists already; name a new directory.")
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    postgres.run_program(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--exclude-extension=*",  # the server that takes the backup in has them, and they are not ours to create
        f"--file={making / DUMP}",
        owner_dsn,
    )
    for name in KEPT:
        _copy(home / name, making / HOME / name)
    files = {path.relative_to(making).as_posix(): sha256(path) for path in _files(making)}
    manifest = Manifest(FORMAT, __version__, clock.now(), files)
    (making / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    making.rename(target)
    return manifest


def read(source: Path) -> Manifest:
    """The manifest of a backup, after proving that every file of it is there and unchanged."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupTrouble(f"{source} is no backup: it has no {MANIFEST}.") from None
    except msgspec.MsgspecError as error:
        raise BackupTrouble(f"{source / MANIFEST} is damaged: {error}.") from error
    if manifest.format != FORMAT:
        raise BackupTrouble(f"{source} has format {manifest.format}; this version of Duoline reads format {FORMAT}.")
    for path, digest in manifest.files.items():
        if not (source / path).is_file():
            raise BackupTrouble(f"{source} is incomplete: {path} is missing.")
        if sha256(source / path) != digest:
            raise BackupTrouble(f"{source} is damaged: {path} is not what was backed up.")
    return manifest


def put_back_files(source: Path, home: Path) -> None:
    """Copy the files of a backup into a home directory."""
    for name in KEPT:
        _copy(source / HOME / name, home / name)


def put_back_database(source: Path, owner_dsn: str) -> None:
    """Load the dump of a backup into an empty database, all of it or nothing."""
    postgres.run_program(
        "pg_restore",
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        f"--dbname={owner_dsn}",
        str(source / DUMP),
    )


def sha256(path: Path) -> str:
    """The digest of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a tree. A SQLite file is copied by SQLite, so that one in use comes out consistent."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for inner in sorted(source.iterdir()):
            _copy(inner, target / inner.name)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        if _is_sqlite(source):
            _copy_sqlite(source, target)
        elif not _belongs_to_sqlite(source):
            shutil.copyfile(source, target)
            os.chmod(target, source.stat().st_mode & 0o777)


def _is_sqlite(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _belongs_to_sqlite(path: Path) -> bool:
    """Whether this is the log of a SQLite file beside it, whose content its copy already has."""
    return path.name.endswith(("-wal", "-shm", "-journal"))


def _copy_sqlite(source: Path, target: Path) -> None:
    original = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    copy = sqlite3.connect(target)
    try:
        original.backup(copy)
    finally:
        copy.close()
        original.close()
