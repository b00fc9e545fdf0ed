"""The signature by which WeChat believes a page."""

from __future__ import annotations

from duoline.attribution.wechat import Key
from duoline.attribution.wechat_sign import sign

# The example that WeChat publishes with the rule.
TICKET = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
EXAMPLE = {"nonce": "Wm3WZYTPz0wzccnW", "timestamp": 1414587457}
SIGNATURE = "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


def test_it_is_wechats_own_example() -> None:
    signed = sign(TICKET, "http://mp.weixin.qq.com?params=value", **EXAMPLE)
    assert signed == ("Wm3WZYTPz0wzccnW", 1414587457, SIGNATURE)


def test_a_fragment_is_not_signed_and_everything_else_is() -> None:
    assert sign(TICKET, "http://mp.weixin.qq.com?params=value#top", **EXAMPLE).signature == SIGNATURE
    for other in ("http://mp.weixin.qq.com/?params=value", "http://mp.weixin.qq.com?params=value&a=1"):
        assert sign(TICKET, other, **EXAMPLE).signature != SIGNATURE
    assert sign(TICKET + "x", "http://mp.weixin.qq.com?params=value", **EXAMPLE).signature != SIGNATURE


def test_a_key_does_not_show_what_it_is() -> None:
    assert "hidden" not in repr(Key("hidden", 7200))
