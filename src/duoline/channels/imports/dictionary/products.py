"""Columns of products with their variants."""

from __future__ import annotations

from duoline.channels.imports.dictionary.columns import Column, Kind, code, text

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
        code("product_code", "商品编码", "Product code", "P10023", required=True),
        text("name_zh", "中文名称", "Chinese name", "小禾苗 婴儿连体衣", required=True),
        text(
            "name_en",
            "英文名称",
            "English name",
            "Sprout baby bodysuit",
            rule_zh="默认与中文名称相同。",
            rule="The Chinese name by default.",
        ),
        code("brand_code", "品牌编码", "Brand code", "SPROUT"),
        text(
            "brand_zh",
            "品牌名称",
            "Brand name, Chinese",
            "小禾苗",
            rule_zh="品牌不存在时用它新建。",
            rule="Creates the brand if its code is unknown.",
        ),
        text("brand_en", "品牌英文名", "Brand name, English", "Sprout"),
        code("category_code", "类目编码", "Category code", "clothing-bodysuit", required=True),
        text(
            "category_zh",
            "类目名称",
            "Category name, Chinese",
            "连体衣",
            rule_zh="类目不存在时用它新建。",
            rule="Creates the category if its code is unknown.",
        ),
        text("category_en", "类目英文名", "Category name, English", "Bodysuits"),
        code(
            "category_parent_code",
            "上级类目编码",
            "Parent category code",
            "clothing",
            rule_zh="新建类目时用。",
            rule="For a new category.",
        ),
        text(
            "category_parent_zh",
            "上级类目名称",
            "Parent category, Chinese",
            "童装",
            rule_zh="上级类目不存在时用它新建。",
            rule="Creates the parent if its code is unknown.",
        ),
        text("category_parent_en", "上级类目英文名", "Parent category, English", "Clothing"),
        text("description_zh", "中文描述", "Chinese description", "A 类纯棉,肩开扣。", high=20_000),
        text("description_en", "英文描述", "English description", "Pure cotton, opens at the shoulder.", high=20_000),
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
        code("sku_code", "SKU 编码", "SKU code", "P10023-66-YL", required=True),
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
        text("unit", "单位", "Unit", "piece", high=20, rule_zh="默认 piece。", rule="`piece` by default."),
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
