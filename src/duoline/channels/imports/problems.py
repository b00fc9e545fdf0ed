"""What can be wrong with a row: the reason in both languages, and the problem that names line and column."""

from __future__ import annotations

from typing import Any, NamedTuple

from duoline.kernel.money import CURRENCY

# code: (Chinese, English); braces name fields.
REASONS: dict[str, tuple[str, str]] = {
    "required": ("必填,不能为空", "must not be empty"),
    "control": ("含有不可见的控制字符", "has control characters"),
    "too-long": ("最多 {high} 个字符", "takes at most {high} characters"),
    "code": (
        "应为 1–40 个字母、数字、点、横线、下划线",
        "must be 1 to 40 letters, digits, dots, hyphens or underscores",
    ),
    "whole": ("应为整数,例如 12", "must be a whole number such as 12"),
    "not-a-number": ("应为数字", "must be a number"),
    "range": ("应在 {low} 与 {high} 之间", "must lie between {low} and {high}"),
    "decimals": ("最多 {decimals} 位小数", "takes at most {decimals} decimals"),
    "flag": ("应为 是/否、true/false 或 1/0", "must be true/false, yes/no, 1/0 or 是/否"),
    "choice": ("应为以下之一:{choices}", "must be one of {choices}"),
    "instant": ("应为日期时间,例如 2026-11-01 09:30", "must be a date with time such as 2026-11-01 09:30"),
    "day": ("应为日期,例如 2026-11-01", "must be a date such as 2026-11-01"),
    "phone": ("不是有效的手机号", "is not a mobile number"),
    "hours": ("营业时间写法有误:{part}", "has hours that cannot be read: {part}"),
    "pair": ("应为 名称=值:{part}", "must be name=value: {part}"),
    "gtin": ("条码 {gtin} 不正确:{why_zh}", "has a barcode that is not right, {gtin}: {why_en}"),
    "timezone": ("没有这个时区", "is not a known time zone"),
    "currency": (f"应为 {CURRENCY}", f"must be {CURRENCY}, in which the chain trades"),
    "together": ("须与“{other}”同时填写", "needs {other} as well"),
    "order": ("应晚于“{other}”", "must be later than {other}"),
    "option-twice": ("同一规格名称写了两次", "names the same option twice"),
    "mapping": ("无法按对应关系换算:{why}", "cannot be converted as the mapping says: {why}"),
    "unreadable": ("这一行无法读取:{why}", "cannot be read: {why}"),
    "encoding": ("这一行的文字编码有误", "is not valid text in the encoding of the file"),
    "quote": ("引号没有闭合", "opens a quotation mark that is never closed"),
    "cells": ("这一行有 {have} 列,表头有 {want} 列", "has {have} cells where the header has {want}"),
    "twice": ("与第 {line} 行重复", "repeats line {line}"),
    "differs": ("与第 {line} 行对同一商品的说法不一致", "says otherwise about this product than line {line}"),
    "companys": ("按合同这家门店的价格由公司定", "is a shop whose prices are its company's by contract"),
    "unknown": ("没有这个编码", "is not a known code"),
    "unknown-member": ("没有这个会员", "is not a known member"),
    "not-created": (
        "没有这个编码,也没有写出名称,无法新建",
        "is not a known code, and the row does not name it, so it cannot be created",
    ),
    "parent-loop": ("上级不能是自己", "cannot be its own parent"),
    "other-product": ("此 SKU 属于商品 {product}", "belongs to product {product}"),
    "other-sku": ("条码已属于 SKU {sku}", "has a barcode of SKU {sku}"),
    "kind-fixed": ("已有的门店不能改成仓库,仓库也不能改成门店", "cannot change from store to dc or back"),
    "below-held": ("少于已为顾客占用的 {held} 件", "is less than the {held} units held for customers"),
    "stock-moved": ("导入时库存有变动,请再导入一次", "changed while it was imported; import it again"),
    "member-identity": ("手机号与会员号属于不同的会员", "and the member code belong to different members"),
    "phone-taken": ("该会员已登记另一个手机号", "differs from the number this member has"),
    "member-who": ("会员号和手机号至少写一个", "or a phone is needed"),
    "mail": ("不是有效的邮箱", "is not a mail address"),
    "signup-who": (
        "手机号、OpenID、UnionID、卡号、平台买家号至少写一个",
        "or another identity is needed: open id, union id, card number or buyer id",
    ),
    "order-differs": ("已导入过同号而内容不同的订单", "was imported before with other content"),
    "order-rows": ("同一订单的各行说法不一致(第 {line} 行)", "says otherwise about this order than line {line}"),
    "order-bad-rows": ("同一订单有错误的行,整单未导入", "has bad rows, so the whole order was left out"),
    "short": ("库存不足,整单未导入", "needs more units than there are, so the whole order was left out"),
    "total": ("订单金额过大", "makes an order that is too large"),
}


class Bad(Exception):
    """A value that cannot be taken; `code` is a key of `REASONS`."""

    def __init__(self, code: str, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


class Problem(NamedTuple):
    """One thing wrong with one row. `column` is ours; empty when the row as a whole is meant."""

    line: int
    column: str
    value: str
    code: str
    zh: str
    en: str


VALUE_CHARACTERS_MAX = 200


def problem(line: int, column: str, value: Any, bad: Bad) -> Problem:
    """A problem with its sentences; a long value is cut."""
    zh, en = REASONS[bad.code]
    text = "" if value is None else str(value)
    if len(text) > VALUE_CHARACTERS_MAX:
        text = text[:VALUE_CHARACTERS_MAX] + "…"
    return Problem(line, column, text, bad.code, zh.format(**bad.fields), en.format(**bad.fields))
