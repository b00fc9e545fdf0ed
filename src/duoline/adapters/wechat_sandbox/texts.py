"""The words of the authorization page, Chinese and English."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duoline.adapters.sandbox.pay_texts import Language

MARK: dict[Language, str] = {"zh": "沙盒微信 · 只用于开发", "en": "Sandbox WeChat · for development only"}

TEXTS: dict[Language, dict[str, str]] = {
    "zh": {
        "title": "微信授权",
        "asks": "{app} 申请使用",
        "account": "您的微信身份标识",
        "website": "用手机微信扫码登录",
        "who": "微信账号",
        "why": "每个名字是一个微信账号；想换个人登录，就改成另一个名字。",
        "bad_account": "账号名只能用小写字母、数字和连字符，最多 20 个字符。",
        "yes": "允许",
        "no": "拒绝",
        "wrong": "微信不能打开这个授权链接",
        "wrong_app": "没有这个应用（10013 appid 错误）。",
        "wrong_domain": "回调地址不在这个应用登记的域名下（10003）。",
        "wrong_scope": "这个应用没有这项授权（10005 scope 错误）。",
        "wrong_order": "参数的顺序应为 appid、redirect_uri、response_type、scope、state。",
        "wrong_state": "state 只能有字母和数字，最多 128 个。",
    },
    "en": {
        "title": "WeChat authorization",
        "asks": "{app} asks for",
        "account": "what says which WeChat account you are",
        "website": "Scanned by your phone's WeChat",
        "who": "WeChat account",
        "why": "Each name is an account of its own; type another one to be somebody else.",
        "bad_account": "An account is 1 to 20 small letters, digits and hyphens.",
        "yes": "Allow",
        "no": "Reject",
        "wrong": "WeChat cannot open this link",
        "wrong_app": "There is no such application (10013, wrong appid).",
        "wrong_domain": "The address to come back to is not under the application's domain (10003).",
        "wrong_scope": "The application has no such scope (10005).",
        "wrong_order": "The parameters must come in the order appid, redirect_uri, response_type, scope, state.",
        "wrong_state": "A state is letters and digits, 128 at most.",
    },
}
