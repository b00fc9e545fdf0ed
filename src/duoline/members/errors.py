"""What members are refused."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class BadPhone(Refusal):
    """A text that is no telephone number we can send a message to."""

    code = "members.bad-phone"
    status = 422
    zh = "请输入正确的手机号。"
    en = "Please enter a valid mobile number."


class TooManyCodes(Refusal):
    """Codes were asked for too often; `retry_at` says when the next may be, `seconds` how long that is."""

    code = "members.too-many-codes"
    status = 429
    zh = "验证码请求太频繁,请在 {seconds} 秒后再试。"
    en = "Too many codes were asked for; try again in {seconds} seconds."


class NoSender(Refusal):
    """This installation has no way to send a text message."""

    code = "members.no-sender"
    status = 503
    zh = "本店暂时不能发送短信验证码,不登录也可以下单。"
    en = "Text messages cannot be sent at the moment; you can order without logging in."


class WrongCode(Refusal):
    """Not the code that was sent, or no longer valid; `attempts_left` tries remain, 0 means ask for a new one."""

    code = "members.wrong-code"
    status = 422
    zh = "验证码不正确或已失效,还可以再试 {attempts_left} 次。"
    en = "The code is wrong or no longer valid; {attempts_left} tries are left."


class TooManyAddresses(Refusal):
    """The address book is full."""

    code = "members.too-many-addresses"
    status = 409
    zh = "收货地址最多保存 {limit} 个,请先删除不用的地址。"
    en = "At most {limit} addresses can be kept; delete one first."


class NoConsent(Refusal):
    """The member has not agreed to have their data used for `purpose`, or agrees no more."""

    code = "members.no-consent"
    status = 403
    zh = "会员没有同意这项用途,不能查看或使用。可以请会员在商城「隐私中心」里开启。"
    en = "The member has not agreed to this use. They can turn it on in the mall's privacy centre."


class ConsentNeeded(Refusal):
    """Being a member cannot be had without this."""

    code = "members.consent-needed"
    status = 409
    zh = "会员服务离不开这项用途。不再需要时,请在隐私中心注销账号。"
    en = "Being a member needs this. If you want it no more, delete your account in the privacy centre."


class ConsentTextChanged(Refusal):
    """The text that was agreed to is not the newest any more; `version` is."""

    code = "members.consent-text-changed"
    status = 409
    zh = "说明已经更新,请重新阅读后再同意。"
    en = "The text has changed; read it again and then agree."


class ErasedAlready(Refusal):
    """The account was deleted."""

    code = "members.erased"
    status = 410
    zh = "这个账号已经注销,内容不再保存。"
    en = "This account was deleted; what was here is not kept any more."


class ErasureBlocked(Refusal):
    """Something must be settled first; `problems` says what, in both languages."""

    code = "members.erasure-blocked"
    status = 409
    zh = "还有事情没有办完,办完后才能注销账号"
    en = "Some things must be settled before the account can be deleted"

    def sentence(self, language: str = "zh") -> str:
        """The refusal with what must be settled."""
        zh = language == "zh"
        told = (";" if zh else "; ").join(each["zh" if zh else "en"] for each in self.fields["problems"])
        return f"{self.zh}:{told}。" if zh else f"{self.en}: {told}."


class MergedMeanwhile(Refusal):
    """The member was merged, or a merge of theirs undone, in this very moment."""

    code = "members.merged-meanwhile"
    status = 409
    zh = "会员资料刚刚被合并或拆分,请再试一次。"
    en = "This member was merged or separated this very moment; try again."


class SameMember(Refusal):
    """Both are the same member."""

    code = "members.same-member"
    status = 422
    zh = "选的是同一位会员,请选择另一位。"
    en = "Both are the same member; choose another one."


class AlreadyMerged(Refusal):
    """One of them was merged into another member, `into` by its id."""

    code = "members.already-merged"
    status = 409
    zh = "其中一位已经合并到另一位会员,请打开那位会员再操作。"
    en = "One of them has been merged into another member already; open that member and try again."


class HasOthers(Refusal):
    """Others were merged into the one that would go."""

    code = "members.has-others"
    status = 409
    zh = "要并入的会员名下已有合并。请反过来合并,或先撤销它的合并。"
    en = "Others have been merged into the member that would go. Merge the other way round, or undo those first."


class MergeUndone(Refusal):
    """The merge has been undone already."""

    code = "members.merge-undone"
    status = 409
    zh = "这次合并已经撤销过了。"
    en = "This merge has been undone already."


class PairDecided(Refusal):
    """Somebody has decided about the pair already."""

    code = "members.pair-decided"
    status = 409
    zh = "这一对已经有人处理过了,请刷新列表。"
    en = "Somebody has decided about this pair already; load the list again."


class BadIdentity(Refusal):
    """A value that is none of its kind."""

    code = "members.bad-identity"
    status = 422
    zh = "请填写正确的标识。"
    en = "This is no valid identity of that kind."


class IdentityKnown(Refusal):
    """The member has it already."""

    code = "members.identity-known"
    status = 409
    zh = "这位会员已经有这个标识。"
    en = "This member has that identity already."


class SecondIdentity(Refusal):
    """Of this kind a person has one."""

    code = "members.second-identity"
    status = 409
    zh = "这位会员已经有一个同类的微信标识,请先停用原来的。"
    en = "This member has another WeChat identity of that kind; end that one first."


class IdentityTaken(Refusal):
    """Somebody else has it: `other` by their id, empty where they got it in this very moment."""

    code = "members.identity-taken"
    status = 409
    zh = "这个标识属于另一位会员。可以送去“疑似同一人”核对。"
    en = "That identity is another member's. The two can be queued as one person in doubt."


class WechatOff(Refusal):
    """This installation is no application of WeChat's, or not for browsers of that kind."""

    code = "members.wechat-off"
    status = 503
    zh = "这里暂时不能用微信登录,请用手机号登录。"
    en = "Logging in by WeChat is not offered here; please use your phone number."


class WechatRefused(Refusal):
    """The way through WeChat did not come to its end here: a code used or too old, or begun in another browser."""

    code = "members.wechat-refused"
    status = 422
    zh = "这次微信授权已经失效,请重新点一次微信登录。"
    en = "WeChat's permission is no longer good here; please start again."


class WechatPreview(Refusal):
    """WeChat showed the page as a preview, to an account that it made up for it."""

    code = "members.wechat-preview"
    status = 422
    zh = "现在打开的是微信的预览页,请先点页面底部的“使用完整服务”,再用微信登录。"
    en = "WeChat is showing a preview of this page. Choose its full service at the bottom first, then log in by WeChat."


class LastWayIn(Refusal):
    """Without it the member could not log in any more."""

    code = "members.last-way-in"
    status = 409
    zh = "您的账号还没有手机号,解除微信后就无法登录了。"
    en = "Your account has no phone number, so without WeChat you could not log in."
