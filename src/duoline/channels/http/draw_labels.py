"""Draws labels on A4: `python -m duoline.channels.http.draw_labels < job.json > labels.pdf`.

A program of its own: the library that draws takes 19 MB, and no process that serves requests shall carry them. Shelf
labels fit sheets of 3 × 8 labels of 70 × 36 mm without margins at the sides; QR sheets have 4 × 5 fields with thin
lines to cut along. The Chinese font is one that every PDF reader brings along and is not embedded.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import msgspec
import segno
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from duoline.channels.http.label import Job

if TYPE_CHECKING:
    from duoline.channels.http.label import Label

CHINESE, LATIN, BOLD = "STSong-Light", "Helvetica", "Helvetica-Bold"
SHELF_COLUMNS, SHELF_ROWS, SHELF_WIDTH, SHELF_HEIGHT, SHELF_TOP = 3, 8, 70 * mm, 36 * mm, 4.5 * mm
QR_COLUMNS, QR_ROWS, QR_WIDTH, QR_HEIGHT, QR_TOP = 4, 5, 50 * mm, 56 * mm, 8.5 * mm
PAD = 3 * mm
SCAN = "手机扫一扫 · Scan with your phone"
MODULE = 0.33 * mm
"""The thinnest bar at full size (GS1 General Specifications, X-dimension)."""
BORDER = 4
"""Light modules around a QR that readers need (ISO/IEC 18004)."""


def draw(job: Job) -> bytes:
    """The document."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(job.title)
    canvas.setAuthor("Duoline")
    columns, rows = (SHELF_COLUMNS, SHELF_ROWS) if job.sheet == "shelf" else (QR_COLUMNS, QR_ROWS)
    width, height, top = (
        (SHELF_WIDTH, SHELF_HEIGHT, SHELF_TOP) if job.sheet == "shelf" else (QR_WIDTH, QR_HEIGHT, QR_TOP)
    )
    left = (A4[0] - columns * width) / 2
    for n, label in enumerate(job.labels):
        place = n % (columns * rows)
        if place == 0 and n:
            canvas.showPage()
        row, column = divmod(place, columns)
        x, y = left + column * width, A4[1] - top - (row + 1) * height
        (_shelf if job.sheet == "shelf" else _product)(canvas, label, x, y)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _shelf(canvas: Canvas, label: Label, x: float, y: float) -> None:
    """Names on top, price and bars on the left, the QR on the right."""
    text = SHELF_WIDTH - 2 * PAD
    upper = y + SHELF_HEIGHT - PAD
    lines = _fitted(label.name_zh, CHINESE, 9, text, most=1)
    canvas.setFont(CHINESE, 9)
    canvas.drawString(x + PAD, upper - 8, lines[0])
    canvas.setFont(CHINESE, 6)
    second = " · ".join(filter(None, (label.options, label.name_en)))
    canvas.drawString(x + PAD, upper - 16, _fitted(second, CHINESE, 6, text, most=1)[0])
    size = 19 * mm
    _qr(canvas, label.link, x + SHELF_WIDTH - PAD - size, y + PAD - 1, size)
    canvas.setFont(BOLD, 17)
    canvas.drawString(x + PAD, upper - 36, label.price)
    _bars(canvas, label, x + PAD, y + PAD + 7)
    canvas.setFont(LATIN, 5.5)
    under = " · ".join(filter(None, (label.sku_code, label.shelf)))
    canvas.drawString(x + PAD, y + PAD - 1, _fitted(under, LATIN, 5.5, text - size - PAD, most=1)[0])


def _product(canvas: Canvas, label: Label, x: float, y: float) -> None:
    """A QR to stick on the product, with its name and code."""
    canvas.setLineWidth(0.2)
    canvas.setStrokeGray(0.8)
    canvas.rect(x, y, QR_WIDTH, QR_HEIGHT)
    size = 38 * mm
    _qr(canvas, label.link, x + (QR_WIDTH - size) / 2, y + QR_HEIGHT - size - 1 * mm, size)
    canvas.setFont(CHINESE, 7.5)
    for n, line in enumerate(_fitted(label.name_zh, CHINESE, 7.5, QR_WIDTH - 2 * PAD, most=2)):
        canvas.drawCentredString(x + QR_WIDTH / 2, y + 13 * mm - n * 9, line)
    canvas.setFont(CHINESE, 6)
    canvas.drawCentredString(x + QR_WIDTH / 2, y + 6.5 * mm, SCAN)
    under = " · ".join(filter(None, (label.options, label.gtin or label.sku_code)))
    canvas.drawCentredString(x + QR_WIDTH / 2, y + 3 * mm, _fitted(under, CHINESE, 6, QR_WIDTH - 2 * PAD, most=1)[0])


def _qr(canvas: Canvas, text: str, x: float, y: float, size: float) -> None:
    """The modules as rectangles, a run of dark ones in one: sharp at every size."""
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    module = size / (len(matrix) + 2 * BORDER)
    canvas.setFillGray(0)
    for n, row in enumerate(matrix):
        start = None
        for m, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = m
            elif not dark and start is not None:
                across, up = x + (BORDER + start) * module, y + size - (BORDER + n + 1) * module
                canvas.rect(across, up, (m - start) * module, module, stroke=0, fill=1)
                start = None


def _bars(canvas: Canvas, label: Label, x: float, y: float) -> None:
    """EAN-13 or EAN-8; a GTIN of 14 digits is a case's and has no bars of these kinds."""
    if label.gtin is None or len(label.gtin) not in (8, 13):
        return
    first = label.gtin[:-12] if len(label.gtin) == 13 else ""
    half = (len(label.gtin) - len(first)) // 2
    left, right = label.gtin[len(first) : len(first) + half], label.gtin[-half:]
    canvas.setFillGray(0)
    canvas.setFont(LATIN, 6)
    start = x + (2 * mm if first else 0)
    modules = ean(label.gtin)
    long = {0, 2, len(modules) - 3, len(modules) - 1, len(modules) // 2 - 1, len(modules) // 2 + 1}
    for n, dark in enumerate(modules):
        if dark == "1":
            deep = 1.2 * mm if n in long else 0
            canvas.rect(start + n * MODULE, y + 2.2 * mm - deep, MODULE, 6 * mm + deep, stroke=0, fill=1)
    if first:
        canvas.drawString(x, y, first)
    for digits, at in ((left, 3 + 3.5 * half), (right, 8 + 10.5 * half)):
        canvas.drawCentredString(start + at * MODULE, y, digits)


# Seven modules a digit, dark ones as 1; on the left some digits are mirrored, which tells the first of thirteen.
_LEFT = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"]
_MIRRORED = ["LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL"]
_INVERT = str.maketrans("01", "10")


def ean(digits: str) -> str:
    """The modules of EAN-13 or EAN-8 from guard to guard (GS1 General Specifications, 5.2)."""
    pattern = _MIRRORED[int(digits[0])] if len(digits) == 13 else "LLLL"
    body = digits[1:] if len(digits) == 13 else digits
    half = len(body) // 2
    right = [_LEFT[int(digit)].translate(_INVERT) for digit in body[half:]]
    left = [
        _LEFT[int(digit)] if kind == "L" else _LEFT[int(digit)].translate(_INVERT)[::-1]
        for digit, kind in zip(body[:half], pattern, strict=True)
    ]
    return "".join(["101", *left, "01010", *right, "101"])


def _fitted(text: str, font: str, size: float, width: float, *, most: int) -> list[str]:
    """The text in at most so many lines of this width; what is left over ends in an ellipsis."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        end = len(rest)
        while end > 1 and pdfmetrics.stringWidth(rest[:end], font, size) > width:
            end -= 1
        if len(lines) == most - 1 and end < len(rest):
            return [*lines, rest[: max(1, end - 1)] + "…"]
        lines.append(rest[:end])
        rest = rest[end:].lstrip()
    return lines or [""]


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(msgspec.json.decode(sys.stdin.buffer.read(), type=Job)))
