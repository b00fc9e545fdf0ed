"""The column dictionary: every column an import file may have, what it means and what it takes.

It is the one description that the validation, the console, the guide and the error messages are made from.
A file may have its columns in any order, may leave out every column that is not required, and may have others,
which are ignored. A column that is absent leaves what is stored as it is; one that is present and empty sets
the value back to its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KindName = Literal["stores", "products", "prices", "stock", "members", "orders", "signups"]
Type = Literal[
    "code",
    "text",
    "whole",
    "money",
    "degrees",
    "flag",
    "choice",
    "instant",
    "day",
    "phone",
    "hours",
    "hour_exceptions",
    "pairs",
    "named",
    "gtins",
    "timezone",
    "currency",
]

TYPES: dict[Type, tuple[str, str]] = {
    "code": (
        "编码,1–40 个字母、数字、点、横线、下划线",
        "a code of 1 to 40 letters, digits, dots, hyphens, underscores",
    ),
    "text": ("文字", "text"),
    "whole": ("整数", "a whole number"),
    "money": (
        "金额,元,最多两位小数(随币种)",
        "an amount in main units (yuan), with no more decimals than the currency has",
    ),
    "degrees": ("十进制度数", "decimal degrees"),
    "flag": ("是/否、true/false、1/0", "true/false, yes/no, 1/0, 是/否"),
    "choice": ("列出的值之一", "one of the listed values"),
    "instant": (
        "日期时间,如 2026-11-01 09:30;不写时区时按上海时间",
        "a date with time, such as 2026-11-01 09:30; Shanghai time unless a zone is written",
    ),
    "day": ("日期,如 2026-11-01", "a date, such as 2026-11-01"),
    "phone": ("手机号,可带 +86", "a mobile number, with or without +86"),
    "hours": ("营业时间", "opening hours"),
    "hour_exceptions": ("特殊营业日", "days with other opening hours"),
    "pairs": (
        "名称=值,用分号分开;中英文用竖线分开",
        "name=value, separated by semicolons; Chinese and English separated by |",
    ),
    "named": ("中文|英文,英文可省略", "Chinese|English; the English part may be left out"),
    "gtins": (
        "条码(8、12、13 或 14 位),多个用空格或分号分开",
        "barcodes of 8, 12, 13 or 14 digits, separated by spaces or semicolons",
    ),
    "timezone": ("时区名,如 Asia/Shanghai", "a zone name such as Asia/Shanghai"),
    "currency": ("三位币种代码", "a currency code of three letters"),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `low` and `high` bound a number, or the length of a text; both ends are allowed."""

    name: str
    type: Type
    zh: str
    en: str
    example: str
    required: bool = False
    rule_zh: str = ""
    rule: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of file. `key` names the columns by which a row is recognised the next time."""

    name: KindName
    zh: str
    en: str
    key: tuple[str, ...]
    note_zh: str
    note: str
    columns: tuple[Column, ...]
    together: str = ""
    """Rows with the same value here stand and fall together."""

    @property
    def by_name(self) -> dict[str, Column]:
        """The columns by name."""
        return {column.name: column for column in self.columns}


def _code(
    name: str, zh: str, en: str, example: str, *, required: bool = False, rule_zh: str = "", rule: str = ""
) -> Column:
    return Column(name=name, type="code", zh=zh, en=en, example=example, required=required, rule_zh=rule_zh, rule=rule)


def _text(
    name: str,
    zh: str,
    en: str,
    example: str,
    *,
    required: bool = False,
    high: int = 200,
    rule_zh: str = "",
    rule: str = "",
) -> Column:
    return Column(
        name=name, type="text", zh=zh, en=en, example=example, required=required, high=high, rule_zh=rule_zh, rule=rule
    )


def _flag(name: str, zh: str, en: str, example: str, rule_zh: str, rule: str) -> Column:
    return Column(name=name, type="flag", zh=zh, en=en, example=example, rule_zh=rule_zh, rule=rule)


STORES = Kind(
    name="stores",
    zh="门店与仓库",
    en="Stores and distribution centres",
    key=("code",),
    note_zh="公司主体和区域可以随门店一起建立:编码尚不存在、同一行又写了名称时新建。",
    note="Companies and regions may come with the stores: one whose code is unknown is created when the row names it.",
    columns=(
        _code("code", "门店编码", "Store code", "SH001", required=True),
        Column(
            name="kind",
            type="choice",
            zh="类型",
            en="Kind",
            example="store",
            choices=("store", "dc"),
            rule_zh="store 门店(默认),dc 仓库。",
            rule="`store` (default) sells to people, `dc` only ships.",
        ),
        _text("name_zh", "中文名称", "Chinese name", "徐汇滨江店", required=True),
        _text(
            "name_en",
            "英文名称",
            "English name",
            "Xuhui Riverside",
            rule_zh="默认与中文名称相同。",
            rule="The Chinese name by default.",
        ),
        _code("company_code", "公司主体编码", "Company code", "HQ", required=True),
        _text(
            "company_zh",
            "公司主体名称",
            "Company name, Chinese",
            "双线母婴(上海)有限公司",
            rule_zh="公司主体不存在时用它新建。",
            rule="Creates the company if its code is unknown.",
        ),
        _text("company_en", "公司主体英文名", "Company name, English", "Duoline Baby (Shanghai)"),
        Column(
            name="company_kind",
            type="choice",
            zh="直营或加盟",
            en="Directly run or franchised",
            example="headquarters",
            choices=("headquarters", "franchisee"),
            rule_zh="新建公司主体时用:headquarters 直营(默认),franchisee 加盟。",
            rule="For a new company: `headquarters` (default) or `franchisee`.",
        ),
        _code("region_code", "区域编码", "Region code", "EAST", required=True),
        _text(
            "region_zh",
            "区域名称",
            "Region name, Chinese",
            "华东",
            rule_zh="区域不存在时用它新建。",
            rule="Creates the region if its code is unknown.",
        ),
        _text("region_en", "区域英文名", "Region name, English", "East China"),
        _code(
            "region_parent_code",
            "上级区域编码",
            "Parent region code",
            "CN",
            rule_zh="新建区域时用,须已存在。",
            rule="For a new region; the parent must exist.",
        ),
        _text("province", "省", "Province", "上海市", required=True),
        _text("city", "市", "City", "上海市", required=True),
        _text("address_zh", "中文地址", "Chinese address", "徐汇区龙腾大道 2000 号", required=True, high=300),
        _text("address_en", "英文地址", "English address", "2000 Longteng Avenue, Xuhui", high=300),
        _text("phone", "电话", "Telephone", "021-55550123", high=40),
        Column(
            name="lat",
            type="degrees",
            zh="纬度",
            en="Latitude",
            example="31.1776",
            required=True,
            low=-90,
            high=90,
            rule_zh="WGS-84。",
            rule="WGS-84.",
        ),
        Column(
            name="lon",
            type="degrees",
            zh="经度",
            en="Longitude",
            example="121.4561",
            required=True,
            low=-180,
            high=180,
            rule_zh="WGS-84。",
            rule="WGS-84.",
        ),
        Column(
            name="timezone",
            type="timezone",
            zh="时区",
            en="Time zone",
            example="Asia/Shanghai",
            rule_zh="默认 Asia/Shanghai。",
            rule="Asia/Shanghai by default.",
        ),
        Column(
            name="hours",
            type="hours",
            zh="营业时间",
            en="Opening hours",
            example="Mon-Fri 10:00-21:00; Sat,Sun 09:30-21:30",
            rule_zh=(
                "“10:00-21:00”表示每天;一天两段用加号,如“周一-周五 09:00-12:00+14:00-20:00; 周六 休”;"
                "没写到的日子不营业。默认每天 10:00-21:00。"
            ),
            rule=(
                "`10:00-21:00` is every day; two spans a day with a plus, as in `Mon-Fri 09:00-12:00+14:00-20:00; "
                "Sat closed`; days not named are closed. Every day 10:00-21:00 by default."
            ),
        ),
        Column(
            name="hour_exceptions",
            type="hour_exceptions",
            zh="特殊营业日",
            en="Days with other hours",
            example="2026-12-24 10:00-18:00 平安夜|Christmas Eve; 2027-01-01 closed 元旦|New Year",
            rule_zh="日期、时间(或 closed/休)、原因;只改动列出的日期。",
            rule="Day, hours (or `closed`), reason; only the days listed are touched.",
        ),
        _flag(
            "pickup",
            "可到店自提",
            "Pickup here",
            "true",
            "门店默认是,仓库默认否。",
            "True for a store, false for a dc by default.",
        ),
        _flag("ship", "可发货", "Ships from here", "true", "默认是。", "True by default."),
        _flag(
            "returns",
            "接受退货",
            "Takes returns",
            "true",
            "门店默认是,仓库默认否。",
            "True for a store, false for a dc by default.",
        ),
        Column(
            name="pick_capacity_hour",
            type="whole",
            zh="每小时拣货单数",
            en="Orders picked an hour",
            example="12",
            low=1,
            high=100_000,
            rule_zh="默认 12。",
            rule="12 by default.",
        ),
        Column(
            name="pickup_lead_min",
            type="whole",
            zh="备货分钟数",
            en="Minutes until ready",
            example="30",
            low=0,
            high=10_080,
            rule_zh="默认 30。",
            rule="30 by default.",
        ),
        Column(
            name="state",
            type="choice",
            zh="状态",
            en="State",
            example="open",
            choices=("draft", "open", "closed"),
            rule_zh="默认 open。",
            rule="`open` by default.",
        ),
        Column(name="opened_on", type="day", zh="开业日期", en="Opened on", example="2021-05-01"),
    ),
)

PRODUCTS = Kind(
    name="products",
    zh="商品",
    en="Products",
    key=("sku_code",),
    note_zh=(
        "每行一个 SKU;同一商品的各行写相同的商品级内容(到 product_state 为止)。没有规格的商品写一行即可。"
        "品牌和类目可以随商品一起建立:编码尚不存在、同一行又写了名称时新建。"
    ),
    note=(
        "One row a SKU; all rows of a product say the same about the product (the columns up to `product_state`). "
        "A product without variants is one row. Brands and categories may come with the products: one whose code is "
        "unknown is created when the row names it."
    ),
    columns=(
        _code("product_code", "商品编码", "Product code", "P10023", required=True),
        _text("name_zh", "中文名称", "Chinese name", "小禾苗 婴儿连体衣", required=True),
        _text(
            "name_en",
            "英文名称",
            "English name",
            "Sprout baby bodysuit",
            rule_zh="默认与中文名称相同。",
            rule="The Chinese name by default.",
        ),
        _code("brand_code", "品牌编码", "Brand code", "SPROUT"),
        _text(
            "brand_zh",
            "品牌名称",
            "Brand name, Chinese",
            "小禾苗",
            rule_zh="品牌不存在时用它新建。",
            rule="Creates the brand if its code is unknown.",
        ),
        _text("brand_en", "品牌英文名", "Brand name, English", "Sprout"),
        _code("category_code", "类目编码", "Category code", "clothing-bodysuit", required=True),
        _text(
            "category_zh",
            "类目名称",
            "Category name, Chinese",
            "连体衣",
            rule_zh="类目不存在时用它新建。",
            rule="Creates the category if its code is unknown.",
        ),
        _text("category_en", "类目英文名", "Category name, English", "Bodysuits"),
        _code(
            "category_parent_code",
            "上级类目编码",
            "Parent category code",
            "clothing",
            rule_zh="新建类目时用。",
            rule="For a new category.",
        ),
        _text(
            "category_parent_zh",
            "上级类目名称",
            "Parent category, Chinese",
            "童装",
            rule_zh="上级类目不存在时用它新建。",
            rule="Creates the parent if its code is unknown.",
        ),
        _text("category_parent_en", "上级类目英文名", "Parent category, English", "Clothing"),
        _text("description_zh", "中文描述", "Chinese description", "A 类纯棉,肩开扣。", high=20_000),
        _text("description_en", "英文描述", "English description", "Pure cotton, opens at the shoulder.", high=20_000),
        Column(
            name="attributes",
            type="pairs",
            zh="属性",
            en="Attributes",
            example="面料|Fabric=纯棉|Cotton; 产地|Origin=浙江|Zhejiang",
        ),
        Column(
            name="product_state",
            type="choice",
            zh="商品状态",
            en="Product state",
            example="published",
            choices=("draft", "published", "withdrawn"),
            rule_zh="新商品默认 published;已上架的商品不会变回 draft。",
            rule="`published` by default for a new product; what members have seen does not become a draft again.",
        ),
        _code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
        Column(name="option1_name", type="named", zh="规格一名称", en="Option 1", example="尺码|Size", high=40),
        Column(
            name="option1_value",
            type="named",
            zh="规格一值",
            en="Option 1 value",
            example="66",
            high=60,
            rule_zh="与名称同时写。",
            rule="Goes with its name.",
        ),
        Column(name="option2_name", type="named", zh="规格二名称", en="Option 2", example="颜色|Colour", high=40),
        Column(
            name="option2_value",
            type="named",
            zh="规格二值",
            en="Option 2 value",
            example="奶黄|Cream",
            high=60,
            rule_zh="与名称同时写。",
            rule="Goes with its name.",
        ),
        Column(name="option3_name", type="named", zh="规格三名称", en="Option 3", example="包装|Pack", high=40),
        Column(
            name="option3_value",
            type="named",
            zh="规格三值",
            en="Option 3 value",
            example="2 件装|2-pack",
            high=60,
            rule_zh="与名称同时写。",
            rule="Goes with its name.",
        ),
        Column(
            name="gtins",
            type="gtins",
            zh="条码",
            en="Barcodes",
            example="2000000000015",
            rule_zh="校验位须正确;只增加,不删除。",
            rule="Check digits must be right; barcodes are added, never removed.",
        ),
        _text("unit", "单位", "Unit", "piece", high=20, rule_zh="默认 piece。", rule="`piece` by default."),
        Column(
            name="weight_g", type="whole", zh="重量(克)", en="Weight in grams", example="180", low=0, high=10_000_000
        ),
        Column(
            name="position",
            type="whole",
            zh="排序",
            en="Position among the variants",
            example="1",
            low=0,
            high=100_000,
            rule_zh="默认按文件中的先后。",
            rule="By default the order of the file.",
        ),
        Column(
            name="sku_state",
            type="choice",
            zh="SKU 状态",
            en="SKU state",
            example="active",
            choices=("active", "withdrawn"),
            rule_zh="默认 active。",
            rule="`active` by default.",
        ),
    ),
)

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
        _code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
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
        _code(
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
        _code(
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
        _text("reason", "原因", "Reason", "双十一", high=200),
    ),
)

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
        _code("store_code", "门店或仓库编码", "Store code", "SH001", required=True),
        _code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
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
        _text("shelf", "货位", "Shel", "A-03-2", high=40),
    ),
)

MEMBERS = Kind(
    name="members",
    zh="会员",
    en="Members",
    key=("code", "phone"),
    note_zh="按会员号或手机号认出已有会员;两者至少写一个。",
    note="A member is recognised by code or by phone; a row needs at least one of them.",
    columns=(
        _code("code", "会员号", "Member code", "M0001234"),
        Column(name="phone", type="phone", zh="手机号", en="Mobile number", example="+8619900000001"),
        _text("name", "称呼", "Name", "林小满", high=60),
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
        _code("home_store_code", "常去门店", "Home store code", "SH001"),
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
        _code("order_code", "原订单号", "Order code", "T20261101-0042", required=True),
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
        _code("store_code", "门店编码", "Store code", "SH001", required=True),
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
        _code(
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
        _code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
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
        _code("channel", "渠道", "Channel", "till", required=True),
        Column(name="phone", type="phone", zh="手机号", en="Mobile number", example="+8619900000001"),
        _text("openid", "微信 OpenID", "WeChat open id", "oGx-5a7bXk", high=100),
        _text("unionid", "微信 UnionID", "WeChat union id", "uTq9-80Lm", high=100),
        _text("mail", "邮箱", "Mail address", "lin.xiaoman@example.com", high=200),
        _text("card_no", "会员卡号", "Card number", "6201-000123", high=40),
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
        _text("buyer_id", "平台买家号", "Buyer id at the marketplace", "tb88231", high=100),
        _text("name", "姓名", "Name", "林小满", high=60),
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

KINDS: dict[str, Kind] = {kind.name: kind for kind in (STORES, PRODUCTS, PRICES, STOCK, MEMBERS, ORDERS, SIGNUPS)}
