"""What attribution refuses."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class NoteNotShown(Refusal):
    """A note with a link or a telephone number: shares carry the chain's own link and nothing else."""

    code = "attribution.note-not-shown"
    status = 422
    zh = "留言里不能有网址或电话号码,请删掉后再分享。"
    en = "A note cannot hold a link or a telephone number; take it out and share again."


class TouchpointEnded(Refusal):
    """The touchpoint has ended."""

    code = "attribution.touchpoint-ended"
    status = 409
    zh = "这个码已经停用,请换一个新的码。"
    en = "This code has ended; ask for a new one."


class OutfitEnded(Refusal):
    """Its maker has ended the outfit."""

    code = "attribution.outfit-ended"
    status = 410
    zh = "这套搭配已经结束分享。"
    en = "This outfit is not shared any more."


class BoundElsewhere(Refusal):
    """The member has a guide who is protected, until `until` or for as long as the binding lasts."""

    code = "attribution.bound-elsewhere"
    status = 409
    zh = "您已经有专属导购,现在不能更换。可以先在“我的导购”里解除。"
    en = "You have a guide, and cannot change now. You can end that first, under My guide."


class GuideGone(Refusal):
    """Whoever is asked for does not work in that shop any more."""

    code = "attribution.guide-gone"
    status = 409
    zh = "这位导购已经不在这家店,请扫店里其他导购的码。"
    en = "This guide has left the shop; scan the code of another one there."


class OwnPhone(Refusal):
    """A guide would be their own guide."""

    code = "attribution.own-phone"
    status = 409
    zh = "不能绑定自己:这个会员账号用的是导购本人的手机号。"
    en = "Guides cannot bind themselves: this account has the guide's own number."


class AskOver(Refusal):
    """The question was answered, or its time is over."""

    code = "attribution.ask-over"
    status = 409
    zh = "这次请求已经结束,请让导购重新发起。"
    en = "This request is over; ask the guide to send another."


class NothingToDispute(Refusal):
    """Nobody else has a member of this number."""

    code = "attribution.nothing-to-dispute"
    status = 404
    zh = "这个手机号没有绑定其他导购,不需要申诉。"
    en = "No other guide has a member of this number; there is nothing to dispute."


class DisputeOpen(Refusal):
    """It is being disputed already."""

    code = "attribution.dispute-open"
    status = 409
    zh = "这个会员的归属已经在申诉中,等待总部裁定。"
    en = "This is disputed already; headquarters will decide."


class OwnDispute(Refusal):
    """Whoever asks for the member, has the member, or raised it, does not decide it."""

    code = "attribution.own-dispute"
    status = 403
    zh = "您是这个申诉的当事人,不能自己裁定,请总部的另一位同事来裁定。"
    en = "You are a party to this dispute; ask somebody else at headquarters to decide it."


class DisputeOver(Refusal):
    """It was decided, or the binding it is about has ended."""

    code = "attribution.dispute-over"
    status = 409
    zh = "这个申诉已经裁定,或者原来的绑定已经结束。请刷新。"
    en = "This was decided, or the binding it is about has ended; load the page anew."


class ForeignPage(Refusal):
    """A page of another site: what is signed for WeChat is ours."""

    code = "attribution.foreign-page"
    status = 422
    zh = "这个网址不是本商城的页面。"
    en = "This is no page of this shop."
