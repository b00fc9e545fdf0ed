"""The sentence that says why of a share, as the page says it (`settle.why_…` in the console's texts): for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from duoline.settlement.months import ZONE

if TYPE_CHECKING:
    from duoline.channels.console.share_rows import ShareRow
    from duoline.kernel.money import Money

Language = Literal["zh", "en"]

ROLES: dict[str, tuple[str, str]] = {
    "guide": ("专属导购", "Guide"),
    "seller": ("开单店员", "Seller"),
    "referrer": ("分享人", "Sharer"),
    "second": ("第二级", "Second level"),
    "bringing": ("拉新", "New member"),
    "owner": ("货主", "Owner of the goods"),
    "bringer_store": ("拉新门店", "Shop that brought the member"),
    "guide_store": ("导购门店", "Shop of the guide"),
    "touchpoint_store": ("触点门店", "Shop of the touchpoint"),
    "ship_store": ("发货门店", "Shop that sent it"),
    "hand_over_store": ("交货门店", "Shop that handed over"),
    "bringing_store": ("门店拉新", "New member, to the shop"),
    "online": ("电商部门", "Online department"),
    "headquarters": ("总部", "Headquarters"),
    "territory": ("区域所属公司", "Company of the territory"),
}
FLAGS: dict[str, tuple[str, str]] = {
    "self": ("是本人自己买的", "they bought it themselves"),
    "phone": ("与买家手机号相同", "the buyer has the same phone"),
    "device": ("与买家同一设备", "it was bought on the same device"),
    "address": ("与买家地址相同", "it went to the same address"),
    "circle": ("会员之间互相返佣成环", "these members pay each other in a circle"),
    "gone": ("相关会员已注销账户", "somebody who has deleted their account"),
    "payer": ("付款账户也付过收款方的订单", "an account paid it that pays the payee’s orders too"),
}


def role(name: str, lang: Language) -> str:
    """What a role is called."""
    return ROLES[name][lang == "en"]


def yuan(value: Money) -> str:
    """An amount as readers write it."""
    return ("-" if value.minor < 0 else "") + f"¥{abs(value.minor) // 100:,}.{abs(value.minor) % 100:02d}"


def percent(bp: int) -> str:
    """Hundredths of a percent in words."""
    return f"{bp / 100:g}%"


def why(share: ShareRow, lang: Language) -> str:
    """What a share is reckoned from, and when it is its payee's or why it pays nothing."""
    zh = lang == "zh"
    what, when = _reckoned(share, lang), _becomes(share, lang)
    return f"{what};{when}。" if zh else f"{what}; {when}."


def _reckoned(share: ShareRow, lang: Language) -> str:
    zh = lang == "zh"
    if share.role == "bringing":
        return "新会员首次选择的导购" if zh else "For a new member who chose them first"
    if share.role == "bringing_store" or (share.role == "headquarters" and share.order_no is None):
        return "新会员最后扫的是这家店的码" if zh else "a new member met this shop's code last"
    named, rate, basis = role(share.role, lang), percent(share.rate_bp), yuan(share.basis)
    if share.book == "commission" or share.margin is None:
        of = ("" if zh else "the margin of ") if share.book == "allocation" else ""
        return (
            f"{named}:{basis} {'毛利' if share.book == 'allocation' else ''}的 {rate}"
            if zh
            else f"{named}: {rate} of {of}{basis}"
        )
    worth, goods, margin = yuan(share.margin.worth), yuan(share.margin.goods), yuan(share.margin.margin)
    of_goods = f"{share.margin.goods_percent}%"
    if share.role == "owner":
        rest = yuan(share.margin.rest)
        if zh:
            return f"货值 {goods}({worth} 的 {of_goods},按合同)。毛利 {margin} 中没有分给别人的 {rate}:{rest}"
        goods = f"Goods {goods} ({of_goods} of {worth}, by contract)"
        return f"{goods}. Of the margin {margin}, the {rate} that nobody else has: {rest}"
    bears = yuan(share.margin.funded) if share.role == "headquarters" and share.margin.funded.minor else ""
    if zh:
        said = f"{named}:毛利 {margin} 的 {rate}({worth} 减货值 {of_goods} {goods})"
        return f"{said},减去总部承担的优惠 {bears}" if bears else said
    said = f"{named}: {rate} of the margin {margin} ({worth} less goods {of_goods} {goods})"
    return f"{said}, less the offers it bears, {bears}" if bears else said


def _becomes(share: ShareRow, lang: Language) -> str:
    zh = lang == "zh"
    if share.flag:
        why = FLAGS[share.flag][not zh]
        return f"不计佣,因为{why}" if zh else f"pays nothing because {why}"
    if share.paid_at is not None:
        day = f"{share.paid_at.astimezone(ZONE):%Y-%m-%d}"
        if share.booked:
            return f"{day} 已记账" if zh else f"booked on {day}"
        return f"{day} 已付(批次 {share.run_no})" if zh else f"paid on {day} by run {share.run_no}"
    if share.state == "matured":
        return f"{share.month} 已到期" if zh else f"due since {share.month}"
    return "还没到期" if zh else "not due yet"
