"""Everything kept about a member, to take away: a zip with one document for machines and one page for people."""

from __future__ import annotations

import io
import zipfile
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from duoline.flows import personal_data
from duoline.kernel import clock

if TYPE_CHECKING:
    from uuid import UUID

    from duoline.kernel.db import Database, Tx

FORMAT = 1
"""Of the document. A reader of another number has to look again."""

WORDS: dict[str, tuple[str, str]] = {
    "profile": ("会员资料", "Profile"),
    "addresses": ("收货地址", "Addresses"),
    "consents": ("授权记录", "Consents"),
    "orders": ("订单", "Orders"),
    "payments": ("付款和退款", "Payments and refunds"),
    "points": ("积分", "Points"),
    "coupons": ("优惠券", "Coupons"),
    "favourites": ("收藏", "Favourites"),
    "guides": ("专属导购", "Guides"),
    "visits": ("扫码和分享", "Scans and shares"),
}
"""The kinds of `personal_data` as the page calls them."""

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#17202a;margin:24px auto;max-width:1080px;padding:0 16px}"
    "h2{border-top:1px solid #e6e9ec;padding-top:24px}table{border-collapse:collapse;font-size:14px;width:100%}"
    ".wide{overflow-x:auto}td,th{border:1px solid #e6e9ec;padding:4px 8px;text-align:left;vertical-align:top}"
)


async def document(db: Database | Tx, member_id: UUID, *, secret: str) -> dict[str, Any]:
    """Every row of every table that is exported: `data` by kind and table, money in minor units, times in UTC."""
    whose = await personal_data.whose(db, member_id, secret=secret)
    data: dict[str, dict[str, list[dict[str, Any]]]] = {}
    async for held, rows in personal_data.rows(db, whose):
        data.setdefault(held.kind or "", {})[held.table] = rows
    return {"format": FORMAT, "member_id": str(member_id), "exported_at": clock.now().isoformat(), "data": data}


def packed(found: dict[str, Any], *, language: Literal["zh", "en"]) -> bytes:
    """The zip of a document: `data.json`, and `index.html` in the language."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", msgspec.json.format(msgspec.json.encode(found), indent=2))
        archive.writestr("index.html", page(found, language=language))
    return buffer.getvalue()


def page(found: dict[str, Any], *, language: Literal["zh", "en"]) -> str:
    """The document as a page that needs nothing else to be read."""
    n = 0 if language == "zh" else 1
    title = ("我的数据", "My data")[n]
    parts = [
        f'<!doctype html><html lang="{("zh-CN", "en")[n]}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
        f"<h1>{title}</h1><p>{escape(found['exported_at'])}</p>"
    ]
    for kind, tables in found["data"].items():
        parts.append(f"<h2>{escape(WORDS[kind][n])}</h2>")
        parts += [_table(name, rows) for name, rows in tables.items()]
    return "".join(parts)


def _table(name: str, rows: list[dict[str, Any]]) -> str:
    """One table, without columns that are empty throughout."""
    columns = [each for each in rows[0] if any(row[each] not in (None, "", [], {}) for row in rows)]
    head = "".join(f"<th>{escape(each)}</th>" for each in columns)
    body = "".join("<tr>" + "".join(f"<td>{_cell(row[each])}</td>" for each in columns) + "</tr>" for row in rows)
    return f'<h3>{escape(name)}</h3><div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return escape(msgspec.json.encode(value).decode())
    return escape(str(value))
