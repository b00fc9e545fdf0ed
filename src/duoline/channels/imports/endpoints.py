"""Imports over HTTP: upload a file, watch it go in, fetch what was wrong with it."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.types import Receive, Scope, Send

from duoline.channels.http import cursors, doors
from duoline.channels.http.answers import Answer, Cursor, Limit, Page
from duoline.channels.http.sessions import Staff
from duoline.channels.http.writes import Write
from duoline.channels.imports import book, mapping
from duoline.channels.imports.background import RUN_JOB, Wanted
from duoline.channels.imports.dictionary import KINDS, KindName
from duoline.channels.imports.errors import NoErrors, UnreadableFile
from duoline.kernel import jobs
from duoline.kernel.config import Settings
from duoline.kernel.db import Database, Tx
from duoline.kernel.ids import new_id

UPLOAD_BYTES_MAX = 2_000_000_000
PIECE = 1 << 20

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
KindParameter = Annotated[KindName, QueryParameter(name="kind", description="What the rows of the file are.")]
Switch = Literal["0", "1"]


class ImportJob(msgspec.Struct, frozen=True, kw_only=True):
    """An import and how far it is. `problem` says why the file as a whole was refused."""

    id: UUID
    kind: KindName
    filename: str
    state: Literal["queued", "running", "done", "failed"]
    dry_run: bool
    rows_total: int | None
    rows_done: int
    rows_changed: int
    rows_same: int
    rows_bad: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    by: str
    problem: str | None


class ImportColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the dictionary."""

    name: str
    type: str
    zh: str
    en: str
    example: str
    required: bool
    rule_zh: str
    rule: str
    choices: list[str]


class ImportKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of file: how a row is recognised, and its columns."""

    name: KindName
    zh: str
    en: str
    key: list[str]
    note_zh: str
    note: str
    columns: list[ImportColumn]


class ImportDictionary(msgspec.Struct, frozen=True):
    """Every kind of file."""

    items: list[ImportKind]


@post("/api/console/imports", opt=doors.staff("imports.run", kind=doors.SHARED), request_max_body_size=UPLOAD_BYTES_MAX)
async def start_import(
    write: Write,
    staff: Staff,
    settings: Settings,
    kind: KindParameter,
    data: Form,
    dry_run: Annotated[Switch, QueryParameter(description="1: only look for problems.")] = "0",
    move_stock: Annotated[Switch, QueryParameter(description="1: past orders take their units from stock.")] = "0",
) -> Answer[ImportJob]:
    """Upload a CSV, XLSX or Parquet file (part `file`) and, if it has columns of its own, a mapping (part `mapping`).

    The import runs in the background; look at it again to see how far it is.
    """
    file, import_id = data.get("file"), new_id()
    if not isinstance(file, UploadFile):
        raise UnreadableFile(why_zh="没有收到文件", why_en="no file was sent")
    content = await _mapping(kind, data.get("mapping"))
    path = book.upload_path(settings.imports_dir, import_id)
    digest = await _keep(file, path)
    write.use_hash(hashlib.sha256(digest + msgspec.json.encode(content)).digest())
    taken = False

    async def work(tx: Tx) -> ImportJob:
        nonlocal taken
        job = await book.enter(
            tx,
            import_id=import_id,
            kind=kind,
            filename=Path(file.filename).name,
            mapping=content,
            actor=staff.actor,
            dry_run=dry_run == "1",
            move_stock=move_stock == "1",
        )
        await jobs.enqueue(tx, RUN_JOB, Wanted(import_id), key=f"{RUN_JOB}:{import_id}")
        taken = True
        return _shown(job, write.language)

    try:
        return await write.run(work, status=202)
    finally:
        if not taken:  # the answer of an earlier upload under the same key
            path.unlink(missing_ok=True)


async def _mapping(kind: str, part: Any) -> Any:
    """The mapping as plain values, checked as far as it can be without the file."""
    if part is None or part == "":
        return None
    content = mapping.parse(await part.read() if isinstance(part, UploadFile) else str(part).encode())
    mapping.of_kind(kind, content)
    return content


async def _keep(file: UploadFile, path: Path) -> bytes:
    """Write the upload to disk piece by piece; the answer is its digest."""
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with await asyncio.to_thread(open, path, "wb") as kept:
        while piece := await file.read(PIECE):
            digest.update(piece)
            await asyncio.to_thread(kept.write, piece)
    return digest.digest()


@get("/api/console/imports", opt=doors.staff("imports.run"))
async def list_imports(db: Database, language: str, limit: Limit = 20, cursor: Cursor = None) -> Page[ImportJob]:
    """Imports, the latest first."""
    before_at, before_id = cursors.unpack(cursor, datetime, UUID) if cursor else (None, None)
    rows = await db.fetch(
        f"""SELECT {book.COLUMNS} FROM import_jobs
            WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2)
            ORDER BY created_at DESC, id DESC LIMIT $3""",  # noqa: S608 - our own columns
        before_at,
        before_id,
        limit + 1,
    )
    found = [book.of_row(row) for row in rows]
    following = cursors.pack(found[limit - 1].created_at, found[limit - 1].id) if len(found) > limit else None
    return Page([_shown(job, language) for job in found[:limit]], next=following)


@get("/api/console/imports/dictionary", opt=doors.staff("imports.run"))
async def show_dictionary() -> ImportDictionary:
    """The columns of every kind of file: what they mean and what they take."""
    return msgspec.convert({"items": [msgspec.to_builtins(kind) for kind in KINDS.values()]}, ImportDictionary)


@get("/api/console/imports/{import_id:uuid}", opt=doors.staff("imports.run", import_id=doors.SHARED))
async def show_import(db: Database, language: str, import_id: UUID) -> ImportJob:
    """One import and how far it is."""
    return _shown(await book.get(db, import_id), language)


@get(
    "/api/console/imports/{import_id:uuid}/errors.csv",
    media_type="text/csv",
    opt=doors.staff("imports.run", import_id=doors.SHARED),
)
async def show_errors(db: Database, settings: Settings, import_id: UUID) -> Answer[str]:
    """What was wrong, a line a problem, with the rows as they came."""
    await book.get(db, import_id)
    path = book.errors_path(settings.imports_dir, import_id)
    if not path.exists():
        raise NoErrors
    return _FileAnswer(path, f"{import_id}-errors.csv")


class _FileAnswer(Answer[str]):
    """A file sent piece by piece: an error file may be as large as the import."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(b"", media=b"text/csv; charset=utf-8")
        self._path = path
        self.more_headers = [(b"content-disposition", f'attachment; filename="{name}"'.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with await asyncio.to_thread(open, self._path, "rb") as file:
            headers = [(b"content-type", self.media), *self.more_headers]
            await send({"type": "http.response.start", "status": self.status, "headers": headers})
            while piece := await asyncio.to_thread(file.read, PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _shown(job: book.Job, language: str) -> ImportJob:
    return ImportJob(
        id=job.id,
        kind=job.kind,  # type: ignore[arg-type]  # the table's own check
        filename=job.filename,
        state=job.state,  # type: ignore[arg-type]
        dry_run=job.dry_run,
        rows_total=job.rows_total,
        rows_done=job.rows_done,
        rows_changed=job.rows_changed,
        rows_same=job.rows_same,
        rows_bad=job.rows_bad,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        by=job.actor.name,
        problem=job.problem[language] if job.problem else None,
    )


ROUTES = [start_import, list_imports, show_dictionary, show_import, show_errors]
