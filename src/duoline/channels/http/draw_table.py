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
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from duoline.channels.http.table import Table, plain, shown

CHINESE = "STSong-Light"
MARGIN = 14 * mm
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
    rows = [
        [Paragraph(escape(column.title), quiet) for column in table.columns],
        *(
            [Paragraph(escape(text), style) for text, style in zip(shown(row), styles, strict=True)]
            for row in table.rows
        ),
    ]
    grid = LongTable(rows, colWidths=[wide * column.width / total for column in table.columns], repeatRows=1)
    grid.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    facts = [Paragraph(f"{escape(name)}: {escape(value)}", body) for name, value in table.facts]
    document.build([Paragraph(escape(table.title), head), *facts, Spacer(1, 4 * mm), grid])
    return out.getvalue()


def xlsx(table: Table) -> bytes:
    """One sheet, written row by row; money as numbers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.title[:31].translate({ord(sign): "-" for sign in r"[]:*?/\\"}))
    sheet.freeze_panes = f"A{len(table.facts) + 3}"

    def cell(value: object, *, bold: bool = False, money: bool = False) -> WriteOnlyCell:
        made = WriteOnlyCell(sheet, value=value)
        if bold:
            made.font = Font(bold=True)
        if money:
            made.number_format = "#,##0.00"
        return made

    for name, value in table.facts:
        sheet.append([cell(name, bold=True), plain(value)])
    sheet.append([])
    sheet.append([cell(column.title, bold=True) for column in table.columns])
    for row in table.rows:
        sheet.append([cell(Decimal(one).scaleb(-2), money=True) if isinstance(one, int) else plain(one) for one in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Table)
    sys.stdout.buffer.write(pdf(asked) if sys.argv[1] == "pdf" else xlsx(asked))
