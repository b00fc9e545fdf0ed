"""Draws a table: `python -m duoline.channels.http.draw_table pdf|xlsx < table.json > file`."""

from __future__ import annotations

import io
import sys
from decimal import Decimal
from xml.sax.saxutils import escape

import msgspec
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as PdfTable

from duoline.channels.http.table import Table, amount, plain, shown

CHINESE = "STSong-Light"
MARGIN = 14 * mm
FACTS_FROZEN_MAX = 8
"""With more above the head of the table, what stands still would leave no room for its rows."""
INK, RULE, QUIET = colors.HexColor("#1d1d1f"), colors.HexColor("#d9d9de"), colors.HexColor("#5f5f66")


def pdf(table: Table) -> bytes:
    """A4, across; the head of the table on every page. The Chinese font is one that every reader brings along."""
    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    out = io.BytesIO()
    page = landscape(A4)
    document = SimpleDocTemplate(
        out,
        pagesize=page,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=table.title,
        author="Duoline",
    )
    body = ParagraphStyle("body", fontName=CHINESE, fontSize=8.5, leading=11, textColor=INK, wordWrap="CJK")
    right = ParagraphStyle("right", parent=body, alignment=2)
    head = ParagraphStyle("head", parent=body, fontSize=15, leading=20, spaceAfter=3 * mm)
    quiet = ParagraphStyle("quiet", parent=body, textColor=QUIET)
    total = sum(column.width for column in table.columns)
    wide = page[0] - 2 * MARGIN
    styles = [right if column.kind == "money" else body for column in table.columns]
    quiet_right = ParagraphStyle("quiet_right", parent=quiet, alignment=2)
    rows = [
        [
            # Both languages of a title, one below the other.
            Paragraph(escape(one.title).replace(" ", "<br/>", 1), quiet_right if one.kind == "money" else quiet)
            for one in table.columns
        ],
        *(
            [Paragraph(escape(text), style) for text, style in zip(shown(row), styles, strict=True)]
            for row in table.rows
        ),
        *(
            [
                [
                    Paragraph(f"<b>{escape(text)}</b>", style)
                    for text, style in zip(shown(table.total), styles, strict=True)
                ]
            ]
            if table.total
            else []
        ),
    ]
    grid = LongTable(rows, colWidths=[wide * column.width / total for column in table.columns], repeatRows=1)
    grid.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    facts = _facts(table, body, right, quiet, wide)
    document.build(
        [Paragraph(escape(table.title), head), *facts, Spacer(1, 4 * mm), grid],
        onFirstPage=_number,
        onLaterPages=_number,
    )
    return out.getvalue()


def _facts(
    table: Table, body: ParagraphStyle, right: ParagraphStyle, quiet: ParagraphStyle, wide: float
) -> list[PdfTable]:
    """Facts in two columns: words on the left, amounts one below the other on the right."""
    words = [
        [Paragraph(escape(name), quiet), Paragraph(escape(value), body)]
        for name, value in table.facts
        if isinstance(value, str)
    ]
    sums = [
        [Paragraph(escape(name), quiet), Paragraph(amount(value), right)]
        for name, value in table.facts
        if isinstance(value, int)
    ]
    if not table.facts:
        return []
    tight = TableStyle(
        [
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )
    left = PdfTable(words, colWidths=[36 * mm, wide * 0.6 - 36 * mm], style=tight) if words else ""
    beside = PdfTable(sums, colWidths=[40 * mm, 32 * mm], style=tight, hAlign="RIGHT") if sums else ""
    whole = TableStyle(
        [("LEFTPADDING", (0, 0), (0, 0), 6), ("RIGHTPADDING", (1, 0), (1, 0), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    )
    return [PdfTable([[left, beside]], colWidths=[wide * 0.6, wide * 0.4], style=whole)]


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    """The number of the page, below."""
    canvas.setFont(CHINESE, 8)
    canvas.setFillColor(QUIET)
    canvas.drawRightString(document.pagesize[0] - MARGIN, MARGIN / 2, str(canvas.getPageNumber()))


def xlsx(table: Table) -> bytes:
    """One sheet, written row by row; money as numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.title[:31].translate({ord(sign): "-" for sign in r"[]:*?/\\"}))
    if len(table.facts) <= FACTS_FROZEN_MAX:
        sheet.freeze_panes = f"A{len(table.facts) + 3}"

    def cell(value: object, *, bold: bool = False, money: bool = False) -> WriteOnlyCell:
        made = WriteOnlyCell(sheet, value=value)
        if bold:
            made.font = Font(bold=True)
        if money:
            made.number_format = "#,##0.00"
        return made

    for n, column in enumerate(table.columns):
        sheet.column_dimensions[get_column_letter(n + 1)].width = max(24 if n == 0 else 12, 4 * column.width)

    def money(minor: int, *, bold: bool = False) -> WriteOnlyCell:
        return cell(Decimal(minor).scaleb(-2), bold=bold, money=True)

    for name, value in table.facts:
        sheet.append([cell(name, bold=True), money(value) if isinstance(value, int) else plain(value)])
    sheet.append([])
    sheet.append([cell(column.title, bold=True) for column in table.columns])
    for row in table.rows:
        sheet.append([money(one) if isinstance(one, int) else plain(one) for one in row])
    if table.total:
        sheet.append(
            [money(one, bold=True) if isinstance(one, int) else cell(plain(one), bold=True) for one in table.total]
        )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Table)
    sys.stdout.buffer.write(pdf(asked) if sys.argv[1] == "pdf" else xlsx(asked))
