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
    """Codes were asked for too often; `retry_at` says when the next may be."""

    code = "members.too-many-codes"
    status = 429
    zh = "验证码请求太频繁,请稍后再试。"
    en = "Too many codes were asked for; try again later."


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
