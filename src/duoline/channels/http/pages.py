"""The built pages of the faces, from `web/dist`: mall at `/`, clerk at `/clerk/`, console at `/console/`.

Files under `assets/` carry a digest in their names and never change, so browsers keep them for a year; everything
else is asked for anew. Any other path inside a face is the face's own `index.html`, whose router knows the page.
"""

from __future__ import annotations

import gzip
import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from duoline.channels.http.answers import Answer, Header

FACES = {"mall": "/", "clerk": "/clerk/", "console": "/console/"}
# Paths that belong to programs: what is not found there is a problem, not a page.
NOT_PAGES = ("/api/", "/media/", "/sandbox/", "/healthz", "/readyz", "/metrics", "/dev/")
HTML = b"text/html; charset=utf-8"
COMPRESSED_KINDS = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/wasm",
                    "application/manifest+json")  # fmt: skip
COMPRESS_MIN = 1024
BROTLI = ".br"
NOUGHT = (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
KEEP_COMPRESSED_MAX = 8 * 1024 * 1024

FOREVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
ASK_AGAIN: Header = (b"cache-control", b"no-cache")
VARY: Header = (b"vary", b"accept-encoding")

mimetypes.add_type("application/javascript", ".js")
mimetypes.add_type("application/javascript", ".mjs")
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("font/woff2", ".woff2")


@dataclass(frozen=True)
class _File:
    path: Path
    kind: str
    forever: bool
    brotli: Path | None
    """The copy that the build compressed."""


class Pages:
    """The files there are, found once at the start."""

    def __init__(self, dist: Path) -> None:
        self._dist = dist
        self._files: dict[str, _File] = {}
        self._compressed: dict[str, bytes] = {}
        self._manifests: dict[str, dict[str, Any]] = {}
        self._kept = 0
        for face, base in FACES.items():
            for path in sorted((dist / face).rglob("*")):
                if path.is_file() and _is_served(path):
                    name = path.relative_to(dist / face).as_posix()
                    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
                    copy = path.with_name(path.name + BROTLI)
                    brotli = copy if copy.is_file() else None
                    self._files[base + name] = _File(path, kind, name.startswith("assets/"), brotli)

    def file(self, path: str, accepts: bytes) -> Answer[Any] | None:
        """The answer for a built file, or None when the path is none."""
        found = self._files.get(path) or (self._files.get(unquote(path)) if "%" in path else None)
        if found is None:
            return None
        headers = [FOREVER if found.forever else ASK_AGAIN]
        kind = found.kind.encode() + (b"; charset=utf-8" if found.kind.startswith("text/") else b"")
        if found.brotli is not None and b"br" in _encodings(accepts):
            brotli: Header = (b"content-encoding", b"br")
            return Answer(found.brotli.read_bytes(), media=kind, headers=[*headers, VARY, brotli])
        body = found.path.read_bytes()
        if found.kind.startswith(COMPRESSED_KINDS) and len(body) >= COMPRESS_MIN:
            headers.append(VARY)
            if b"gzip" in accepts:
                headers.append((b"content-encoding", b"gzip"))
                body = self._gzipped(path, body)
        return Answer(body, media=kind, headers=headers)

    def _gzipped(self, path: str, body: bytes) -> bytes:
        """Compressed once and kept, as far as there is room for it."""
        kept = self._compressed.get(path)
        if kept is not None:
            return kept
        small = gzip.compress(body, compresslevel=6, mtime=0)
        if self._kept + len(small) <= KEEP_COMPRESSED_MAX:
            self._compressed[path] = small
            self._kept += len(small)
        return small

    def shell(self, face: str) -> str | None:
        """The built `index.html` of a face, read anew so that a new build shows at once; None if not built."""
        path = self._dist / face / "index.html"
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def needs(self, face: str, source: str) -> list[str]:
        """The script and styles of a page that is loaded when it is opened, by its source file; known in advance, they
        come with the first answer instead of one trip later."""
        if face not in self._manifests:
            try:
                raw = (self._dist / face / ".vite" / "manifest.json").read_bytes()
            except FileNotFoundError:
                raw = b"{}"
            self._manifests[face] = json.loads(raw)
        manifest, base = self._manifests[face], FACES[face]
        found: dict[str, None] = {}
        queue, seen = [source], set()
        while queue:
            key = queue.pop(0)
            part = manifest.get(key)
            if part is None or key in seen or part.get("isEntry") or part.get("name") == "first":
                continue
            seen.add(key)
            found |= dict.fromkeys(base + file for file in (part["file"], *part.get("css", ())))
            queue += part.get("imports", ())
        return list(found)

    def page(self, path: str, accepts: bytes = b"") -> Answer[Any] | None:
        """The shell for a path inside a face, or None for paths that are not pages."""
        if path.startswith(NOT_PAGES) or path.rstrip("/") == "/api":
            return None
        face = next((face for face, base in FACES.items() if base != "/" and (path + "/").startswith(base)), "mall")
        shell = self.shell(face)
        return None if shell is None else html(shell, accepts)


def _is_served(path: Path) -> bool:
    return path.name != "index.html" and path.parent.name != ".vite" and path.suffix != BROTLI


def _encodings(accepts: bytes) -> set[bytes]:
    """The encodings that a request takes; one of quality nought is none."""
    asked = (one.partition(b";") for one in accepts.lower().split(b","))
    return {name.strip() for name, _, quality in asked if quality.strip().replace(b" ", b"") not in NOUGHT}


def html(page: str, accepts: bytes = b"", *, status: int = 200, headers: Sequence[Header] = ()) -> Answer[Any]:
    """A page as an answer, asked for anew each time; compressed for who takes that."""
    body = page.encode()
    more = [ASK_AGAIN, *headers]
    if len(body) >= COMPRESS_MIN:
        more.append(VARY)
        if b"gzip" in accepts:
            more.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, compresslevel=4, mtime=0)
    return Answer(body, status=status, media=HTML, headers=more)
