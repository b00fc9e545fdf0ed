"""Columns of members, and of everybody who ever signed up anywhere."""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import Column, Kind, code, text

MEMBERS = Kind(
    name="members",
    zh="会员",
    en="Members",
    key=("code", "phone"),
    note_zh="按会员号或手机号认出已有会员;两者至少写一个。",
    note="A member is recognised by code or by phone; a row needs at least one of them.",
    columns=(
        code("code", "会员号", "Member code", "M0001234"),
        Column(name="phone", type="phone", zh="手机号", en="Mobile number", example="+8619900000001"),
        text("name", "称呼", "Name", "林小满", high=60),
        Column(
            name="locale",
            type="choice",
            zh="语言",
            en="Language",
            example="zh",
            choices=("zh", "en"),
            rule_zh="默认 zh。",
            rule="`zh` by default.",
        ),
        code("home_store_code", "常去门店", "Home store code", "SH001"),
        Column(
            name="joined_at",
            type="instant",
            zh="入会时间",
            en="Joined at",
            example="2025-03-08 10:00",
            rule_zh="只用于新会员,默认导入时间。",
            rule="For a new member only; the moment of the import by default.",
        ),
    ),
)


SIGNUPS = Kind(
    name="signups",
    zh="多渠道注册",
    en="Sign-ups",
    key=("phone", "unionid", "openid", "card_no", "buyer_id"),
    note_zh=(
        "各渠道的注册记录:同一个人只成为一位会员。按 UnionID、OpenID、平台买家号、卡号、手机号认出;"
        "相互矛盾或只是相似的进入“待确认的会员”,由人判断,不自动合并。每行至少写一个身份标识。"
    ),
    note=(
        "Sign-ups of all channels: one person becomes one member, recognised by union id, open id, buyer id, card "
        "number or phone. What contradicts itself, or is only alike, waits for somebody to decide; nothing is merged "
        "by itself. A row needs at least one of these."
    ),
    columns=(
        code("channel", "渠道", "Channel", "till", required=True),
        Column(name="phone", type="phone", zh="手机号", en="Mobile number", example="+8619900000001"),
        text("openid", "微信 OpenID", "WeChat open id", "oGx-5a7bXk", high=100),
        text("unionid", "微信 UnionID", "WeChat union id", "uTq9-80Lm", high=100),
        text("mail", "邮箱", "Mail address", "lin.xiaoman@example.com", high=200),
        text("card_no", "会员卡号", "Card number", "6201-000123", high=40),
        Column(
            name="marketplace",
            type="choice",
            zh="平台",
            en="Marketplace",
            example="tmall",
            choices=("tmall", "jd", "douyin", "pinduoduo", "meituan", "other"),
            rule_zh="与平台买家号同时填写。",
            rule="Goes with the buyer id.",
        ),
        text("buyer_id", "平台买家号", "Buyer id at the marketplace", "tb88231", high=100),
        text("name", "姓名", "Name", "林小满", high=60),
        Column(
            name="joined_at",
            type="instant",
            zh="注册时间",
            en="Signed up at",
            example="2025-03-08 10:00",
            rule_zh="只用于新会员,默认导入时间。",
            rule="For a new member only; the moment of the import by default.",
        ),
    ),
)
