"""Pictures: what is taken, what is made of it, what is refused."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from duoline.catalog import imaging, pictures
from duoline.catalog.errors import BadPicture
from duoline.catalog.imaging import Unusable, render
from duoline.catalog.media_store import DiskStore

if TYPE_CHECKING:
    from pathlib import Path


def picture(kind: str, size: tuple[int, int] = (900, 600), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.effect_noise(size, 40).convert(mode)
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_kind_stays_what_it_is_and_gets_thumbnails(kind: str):
    made = render(picture(kind))
    assert (made.content_type, made.width, made.height) == (f"image/{kind.lower()}", 900, 600)
    assert opened(made.full).format == kind
    assert {width: opened(data).size for width, data in made.thumbnails.items()} == {320: (320, 213), 800: (800, 533)}
    assert all(opened(data).format == "WEBP" for data in made.thumbnails.values())
    assert render(picture(kind, (100, 100))).thumbnails.keys() == {320, 800}


def test_transparency_stays():
    out = io.BytesIO()
    Image.new("RGBA", (900, 600), (200, 30, 30, 100)).save(out, "PNG")
    made = render(out.getvalue())
    assert opened(made.full).mode == "RGBA"
    assert opened(made.thumbnails[320]).mode == "RGBA"


def test_large_pictures_are_made_smaller():
    made = render(picture("JPEG", (4000, 1000)))
    assert (made.width, made.height) == (2400, 600)


def test_what_the_camera_wrote_is_gone_and_the_picture_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # lying on its side
    exif[0x010F] = "CameraMaker"
    exif.get_ifd(0x8825)[2] = (31.0, 13.0, 0.0)  # where it was taken
    made = render(picture("JPEG", (900, 600), exif=exif, comment=b"secret words"))
    assert (made.width, made.height) == (600, 900)
    assert not opened(made.full).getexif()
    assert b"CameraMaker" not in made.full
    assert b"secret words" not in made.full


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.html", "<script>1</script>")
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("tail", [zipped(), b"<html><script>1</script>", b"%PDF-1.7", b"<?php 1 ?>"])
def test_a_file_that_is_two_things_is_refused(kind: str, tail: bytes):
    with pytest.raises(Unusable, match="two-kinds"):
        render(picture(kind) + tail)


def test_harmless_bytes_behind_the_picture_are_cut_off():
    """Some phones write a few of their own there."""
    made = render(picture("JPEG") + b"\x00\x00SEFT trailer \xff\xd9 of a phone")
    assert b"SEFT" not in made.full


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is a large one."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not-a-picture"),
        (b"GIF89a" + b"\0" * 100, "not-a-picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-picture"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"RIFF\x04\0\0\0WEBP", "damaged"),
        (bomb(30_000, 30_000), "too-many-pixels"),
        (bomb(16_001, 1), "too-many-pixels"),
        (bomb(7_000, 7_000), "damaged"),
        (b"\xff\xd8\xff" + b"\0" * 20_000_000, "too-big"),
    ],
    ids=["empty", "gif", "svg", "jpeg head", "png head", "webp head", "bomb", "long", "lying", "big"],
)
def test_what_is_no_picture_is_refused(data: bytes, reason: str):
    with pytest.raises(Unusable) as refused:
        render(data)
    assert refused.value.reason == reason


GOOD = {kind: picture(kind, (64, 64)) for kind in ("JPEG", "PNG", "WEBP")}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_any_damage_ends_in_a_picture_or_a_refusal(kind: str, data: st.DataObject):
    """Never in another exception, and never in a loop."""
    content = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        made = render(cut)
    except Unusable:
        return
    assert opened(made.full).size == (made.width, made.height)


async def test_the_program_of_its_own_answers_the_same():
    content = picture("PNG", (50, 40))
    assert await pictures.rendered(content) == render(content)
    with pytest.raises(BadPicture) as refused:
        await pictures.rendered(b"no picture")
    assert refused.value.fields["reason"] == "not-a-picture"
    assert "JPEG" in refused.value.sentence("en")


async def test_a_picture_that_takes_the_program_down_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pictures, "PROGRAM", ("-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    with pytest.raises(BadPicture) as refused:
        await pictures.rendered(GOOD["PNG"])
    assert refused.value.fields["reason"] == "too-many-pixels"


async def test_the_disk_keeps_objects_whole(tmp_path: Path):
    store = DiskStore(tmp_path / "media")
    made = imaging.render(GOOD["PNG"])
    await pictures.keep(store, made)
    await pictures.keep(store, made)
    assert await store.get(made.sha, None) == made.full
    assert await store.get(made.sha, 320) == made.thumbnails[320]
    assert await store.get("0" * 64, None) is None
    files = sorted(path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file())
    folder = f"{made.sha[:2]}/{made.sha[2:4]}"
    assert files == [f"{folder}/{made.sha}", f"{folder}/{made.sha}.320", f"{folder}/{made.sha}.800"]
