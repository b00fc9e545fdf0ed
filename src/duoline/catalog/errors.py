"""Refusals of the catalogue."""

from __future__ import annotations

from duoline.kernel.errors import BadInput, NotFound, Refusal


class NoSuchProduct(NotFound):
    """No product has this code, or members may not see it."""

    code = "catalog.no-such-product"
    zh = "没有找到这件商品,可能已经下架。"
    en = "This product is not here; it may have been withdrawn."


class NoSuchSku(NotFound):
    """No SKU has this id, code or barcode."""

    code = "catalog.no-such-sku"
    zh = "没有找到这个规格。"
    en = "There is no such variant."


class NotInAssortment(Refusal):
    """The shop may not sell this article. Other shops may, and it can be sent home."""

    code = "catalog.not-in-assortment"
    status = 409
    zh = "这家门店不销售这件商品,可以送货到家或到别的门店取。"
    en = "This shop does not sell this article. It can be sent home, or collected at another shop."


class AssortmentChanged(Refusal):
    """Somebody else has changed the assortment since it was read."""

    code = "catalog.assortment-changed"
    status = 409
    zh = "这个可售范围刚被别人改过,请刷新后再改。"
    en = "Somebody else has just changed this assortment. Load it anew, then change it."


class AssortmentOver(Refusal):
    """What is over is not changed any more."""

    code = "catalog.assortment-over"
    status = 409
    zh = "这个可售范围已经结束,不能再改。"
    en = "This assortment is over and cannot be changed."


class NoSuchBrand(NotFound):
    """No brand has this code."""

    code = "catalog.no-such-brand"
    zh = "没有找到这个品牌。"
    en = "There is no such brand."


class NoSuchCategory(NotFound):
    """No category has this code."""

    code = "catalog.no-such-category"
    zh = "没有找到这个分类。"
    en = "There is no such category."


class NoSuchPicture(NotFound):
    """The product has no such picture."""

    code = "catalog.no-such-picture"
    zh = "没有找到这张图片。"
    en = "There is no such picture."


class BadProduct(BadInput):
    """Something in the product, brand, category or SKU is not right; `problems` lists field and reason."""

    code = "catalog.bad-product"
    zh = "商品资料有误,请按提示修改。"
    en = "Something in these details is not right; see the fields named."


class BadGtin(Refusal):
    """Not a GTIN-8, -12, -13 or -14, or its check digit is wrong."""

    code = "catalog.bad-gtin"
    status = 422
    zh = "条码 {gtin} 不正确:{reason_zh}。"
    en = "The barcode {gtin} is not right: {reason_en}."


class GtinTaken(Refusal):
    """The barcode is on another SKU."""

    code = "catalog.gtin-taken"
    zh = "条码 {gtin} 已经用在 {sku_code} 上。"
    en = "The barcode {gtin} is already used by {sku_code}."


class CodeTaken(Refusal):
    """The code is used already."""

    code = "catalog.code-taken"
    zh = "编码 {taken} 已经有人用了,请换一个。"
    en = "The code {taken} is already used; choose another."


class ChangedMeanwhile(Refusal):
    """Somebody else saved the product after the caller read it."""

    code = "catalog.changed-meanwhile"
    zh = "这件商品刚被别人改过,请先刷新再保存。"
    en = "Somebody else has just changed this product; reload it and save again."


class NotComplete(Refusal):
    """The product lacks what a member needs to buy it; `missing` lists the fields."""

    code = "catalog.not-complete"
    zh = "商品资料还不完整,暂时不能上架。"
    en = "The product lacks details that members need, so it cannot be published yet."


class OptionInUse(Refusal):
    """An option or value that variants use cannot be taken away."""

    code = "catalog.option-in-use"
    zh = "规格 {sku_code} 正在使用这个选项,不能删除。"
    en = "The variant {sku_code} uses this option, so it cannot be removed."


class CategoryCycle(Refusal):
    """A category cannot stand below itself."""

    code = "catalog.category-cycle"
    zh = "分类不能放到自己的下级分类里。"
    en = "A category cannot be placed below itself."


class BadPicture(Refusal):
    """The file is no picture we take; `reason` is a stable word."""

    code = "catalog.bad-picture"
    status = 422
    zh = "这张图片不能使用:{reason_zh}。"
    en = "This picture cannot be used: {reason_en}."


class TooManyPictures(Refusal):
    """The product has as many pictures as it may have."""

    code = "catalog.too-many-pictures"
    zh = "每件商品最多 {most} 张图片。"
    en = "A product may have {most} pictures at most."
