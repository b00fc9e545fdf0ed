"""What I earn, line by line, as a file of my own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import get

from duoline.channels.http import doors
from duoline.channels.http.answers import Answer
from duoline.channels.http.documents import csv_file
from duoline.channels.http.sessions import Staff
from duoline.channels.http.table import Column
from duoline.kernel import clock
from duoline.kernel.db import Database
from duoline.settlement.months import ZONE

FILE_PAGE = 500

_COLUMNS = [
    Column("日期 Date"),
    Column("订单尾号 Order ends in"),
    Column("商品 Article"),
    Column("角色 Role"),
    Column("比例 Rate"),
    Column("计提基数 Basis", "money"),
    Column("金额 Amount", "money"),
    Column("已扣回 Taken back", "money"),
    Column("状态 State"),
    Column("月份 Month"),
]
_ROLES = {"guide": "导购 guide", "seller": "开单 seller", "referrer": "分享 sharer", "second": "第二级 second level",
          "bringing": "拉新 new member"}  # fmt: skip

# As the page lists them, the newest first. Whose order it was is not told, only how its number ends.
_LINES = """
SELECT a.order_id, a.line_id, a.role, a.rate_bp, a.basis_minor, a.earned_minor, a.reversed_minor, a.state, a.month,
       a.at, l.name ->> 'zh' AS article, right(o.order_no, 4) AS tail
FROM accruals a
LEFT JOIN orders o ON o.member_id = a.member_id AND o.id = a.order_id
LEFT JOIN order_lines l ON l.member_id = a.member_id AND l.order_id = a.order_id AND l.id = a.line_id
WHERE a.payee_id = $1
  AND ($2::timestamptz IS NULL OR (a.at, a.order_id, a.line_id, a.role) < ($2, $3::uuid, $4::uuid, $5::text))
ORDER BY a.at DESC, a.order_id DESC, a.line_id DESC, a.role DESC LIMIT $6
"""


@get("/api/clerk/earnings.csv", media_type="text/csv", opt=doors.staff(None))
async def download_earnings(db: Database, staff: Staff) -> Answer[Any]:
    """By which order lines I earned what, as CSV, however many they are; the newest first."""
    return csv_file(_COLUMNS, _lines(db, staff), name=f"earnings-{clock.now().astimezone(ZONE):%Y%m%d}", row=_cells)


async def _lines(db: Database, staff: Staff) -> AsyncIterator[list[Any]]:
    after: tuple[Any, ...] = (None, None, None, None)
    while lines := await db.fetch(_LINES, staff.id, *after, FILE_PAGE):
        after = tuple(lines[-1][name] for name in ("at", "order_id", "line_id", "role"))
        yield lines


def _cells(row: Any) -> list[str | int]:
    went = row["reversed_minor"] > 0 and row["earned_minor"] == 0
    return [
        f"{row['at'].astimezone(ZONE):%Y-%m-%d %H:%M}",
        row["tail"] or "",
        row["article"] or "",
        _ROLES.get(row["role"], row["role"]),
        f"{row['rate_bp'] / 100:g}%" if row["rate_bp"] else "",
        row["basis_minor"],
        row["earned_minor"],
        row["reversed_minor"],
        "已扣回 taken back" if went else "待确认 pending" if row["state"] == "pending" else "已确认 yours",
        row["month"] or "",
    ]


ROUTES = [download_earnings]
