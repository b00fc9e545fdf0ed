"""Columns of past orders."""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import Column, Kind, code

ORDERS = Kind(
    name="orders",
    zh="历史订单",
    en="Past orders",
    key=("order_code", "line_no"),
    together="order_code",
    note_zh=(
        "每行一个订单行;同一 order_code 的行合成一张已完成的订单。历史订单一经导入不再改动:内容不同的同号订单报错。"
        "默认不动库存。"
    ),
    note=(
        "One row an order line; rows with one `order_code` make one completed order. A past order never changes once "
        "imported: the same code with other content is reported. Stock is not moved unless asked for."
    ),
    columns=(
        code("order_code", "原订单号", "Order code", "T20261101-0042", required=True),
        Column(
            name="line_no",
            type="whole",
            zh="行号",
            en="Line",
            example="1",
            low=1,
            high=100_000,
            rule_zh="默认按文件中的先后。",
            rule="By default the order of the file.",
        ),
        Column(
            name="placed_at", type="instant", zh="下单时间", en="Placed at", example="2026-11-01 15:20", required=True
        ),
        code("store_code", "门店编码", "Store code", "SH001", required=True),
        Column(
            name="channel",
            type="choice",
            zh="渠道",
            en="Channel",
            example="till",
            choices=("till", "import"),
            rule_zh="till 门店收银,import 其他来源(默认)。",
            rule="`till` for a till sale, `import` (default) for any other source.",
        ),
        code(
            "member_code",
            "会员号",
            "Member code",
            "M0001234",
            rule_zh="不写则为散客。",
            rule="A guest's order without it.",
        ),
        Column(
            name="phone",
            type="phone",
            zh="会员手机号",
            en="Member's mobile number",
            example="+8619900000001",
            rule_zh="没有会员号时用。",
            rule="Used when there is no member code.",
        ),
        code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
        Column(
            name="quantity", type="whole", zh="数量", en="Quantity", example="2", required=True, low=1, high=100_000
        ),
        Column(
            name="amount",
            type="money",
            zh="行金额(元)",
            en="Amount of the line",
            example="258.00",
            required=True,
            low=0,
            high=1_000_000_000,
            rule_zh="该行实付金额;不能整除时尾差记为订单优惠。",
            rule="What was paid for the line; what does not divide by the quantity becomes a discount of the order.",
        ),
        Column(
            name="tender",
            type="choice",
            zh="支付方式",
            en="Tender",
            example="cash",
            choices=("cash", "card", "online"),
            rule_zh="默认 cash。",
            rule="`cash` by default.",
        ),
    ),
)
