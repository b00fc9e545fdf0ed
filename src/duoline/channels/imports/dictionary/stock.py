"""Columns of stock."""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import Column, Kind, code, text

STOCK = Kind(
    name="stock",
    zh="期初库存与盘点",
    en="Opening stock and counts",
    key=("store_code", "sku_code"),
    note_zh=(
        "on_hand 是实际数量,不是增减量。首次导入记为期初,以后的差额记为盘点;每个差额都是一笔两端的库存流水。"
        "数量少于已占用的件数时拒绝该行。"
    ),
    note=(
        "`on_hand` is what is there, not a difference. The first import is booked as opening stock, later differences "
        "as a count; each difference is a movement with two ends. A row that counts less than is held is refused."
    ),
    columns=(
        code("store_code", "门店或仓库编码", "Store code", "SH001", required=True),
        code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
        Column(
            name="on_hand",
            type="whole",
            zh="现有数量",
            en="Units on hand",
            example="24",
            required=True,
            low=0,
            high=1_000_000,
        ),
        Column(
            name="safety",
            type="whole",
            zh="安全库存",
            en="Safety stock",
            example="2",
            low=0,
            high=1_000_000,
            rule_zh="线上不可售的件数,默认 0。",
            rule="Units kept from being promised, 0 by default.",
        ),
        text("shelf", "货位", "Shel", "A-03-2", high=40),
    ),
)
