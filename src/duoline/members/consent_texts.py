"""What members are asked to agree to, purpose by purpose: the first version of each text, part of the program.

Headquarters publishes later versions (`consents.publish`), which are rows.
"""

from __future__ import annotations

from typing import Literal, get_args

from duoline.kernel.text import Text

Purpose = Literal["service", "marketing", "profiling", "location", "sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
NEEDED: Purpose = "service"
"""What being a member is: agreed to with the first log-in, and ended by deleting the account."""

FIRST: dict[Purpose, tuple[Text, Text]] = {
    "service": (
        Text("提供会员服务", "Serving you"),
        Text(
            "我们保存您的手机号、订单、收货地址、积分和优惠券,用来完成您下的订单、退换货和会员服务。不再需要时,"
            "您可以注销账号。",
            "We keep your phone number, orders, addresses, points and coupons to fulfil what you order, take things"
            " back and serve you as a member. When you want this no more, you can delete the account.",
        ),
    ),
    "marketing": (
        Text("优惠和活动信息", "Offers and news"),
        Text(
            "我们按您的消费情况给您发放优惠券,并通知您优惠和活动。关闭后不再向您发放和通知,已有的优惠券照常可用。",
            "We give you coupons that fit what you buy, and tell you of offers. When you turn this off we stop both;"
            " coupons you have stay good.",
        ),
    ),
    "profiling": (
        Text("了解您的喜好", "Knowing what you like"),
        Text(
            "我们用您的收藏和买过的商品了解您的喜好,让店员和总部能给出合适的建议。关闭后,店员和总部看不到您的收藏,"
            "导购的待办里也不写您买过什么。",
            "We use your favourites and what you bought to know what you like, so that our staff can suggest what suits"
            " you. When you turn this off, staff do not see your favourites, and your guide's tasks do not say what you"
            " bought.",
        ),
    ),
    "location": (
        Text("您的位置", "Where you are"),
        Text(
            "我们保存您地图上选的收货位置坐标,用来更准确地算距离和送达时间。关闭后不再保存新坐标,已存的坐标会删掉,"
            "地址文字保留。",
            "We keep the coordinates of addresses you pick on a map, to tell distances and times better. When you turn"
            " this off we keep no new ones and delete those we have; the written address stays.",
        ),
    ),
    "sharing": (
        Text("提供给加盟商和合作方", "Sharing with franchisees and partners"),
        Text(
            "部分门店由加盟商经营,也有合作企业的系统为您服务。同意后,您购物过的加盟店可以看到您的会员资料(姓名、打码的"
            "手机号、等级、积分),合作企业可以读取您的会员记录。关闭后,加盟店只能看到您在那里下的订单,合作企业读不到"
            "您的记录。",
            "Some shops are run by franchisees, and systems of partners serve you too. When you agree, franchisees"
            " where you shop can see your member page (name, masked phone, tier, points), and partners can read what"
            " we keep of you as a member. When you turn this off, franchisees only see the orders you placed with them,"
            " and partners read nothing.",
        ),
    ),
}
