"""Columns of prices."""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import Column, Kind, code, text

PRICES = Kind(
    name="prices",
    zh="价格",
    en="Prices",
    key=("sku_code", "scope", "scope_code", "channel", "tier", "valid_from"),
    note_zh=(
        "一行是一个价格及其有效期。新的有效期盖住旧的:与它重叠的旧价格在其前后仍然有效。"
        "不写 valid_from 表示从导入时起;若现价已相同,则什么也不改。"
    ),
    note=(
        "A row is a price with its time. A new time lies over the old: a price it overlaps stays valid before and "
        "after it. Without `valid_from` it holds from the moment of the import; nothing changes if that price is in "
        "force already."
    ),
    columns=(
        code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
        Column(
            name="scope",
            type="choice",
            zh="范围",
            en="Scope",
            example="chain",
            choices=("chain", "region", "store"),
            rule_zh="chain 全国(默认)、region 区域、store 门店。",
            rule="`chain` (default), `region` or `store`.",
        ),
        code(
            "scope_code",
            "区域或门店编码",
            "Region or store code",
            "EAST",
            rule_zh="范围不是 chain 时必填。",
            rule="Needed unless the scope is `chain`.",
        ),
        Column(
            name="channel",
            type="choice",
            zh="渠道",
            en="Channel",
            example="*",
            choices=("*", "mall", "till", "open_api"),
            rule_zh="默认 *,即全部渠道。",
            rule="`*` (default) is every channel.",
        ),
        code(
            "tier",
            "会员等级",
            "Member tier",
            "gold",
            rule_zh="只给这一级会员;不写则人人适用。",
            rule="For members of this tier only; empty is everybody.",
        ),
        Column(
            name="price",
            type="money",
            zh="价格(元)",
            en="Price",
            example="129.00",
            required=True,
            low=0,
            high=1_000_000_000,
        ),
        Column(
            name="currency",
            type="currency",
            zh="币种",
            en="Currency",
            example="CNY",
            rule_zh="默认 CNY。",
            rule="CNY by default.",
        ),
        Column(name="valid_from", type="instant", zh="生效时间", en="Valid from", example="2026-11-01 00:00"),
        Column(
            name="valid_to",
            type="instant",
            zh="失效时间",
            en="Valid until",
            example="2026-11-12 00:00",
            rule_zh="不含此刻;不写表示一直有效。",
            rule="Not included; empty is for ever.",
        ),
        text("reason", "原因", "Reason", "双十一", high=200),
    ),
)
