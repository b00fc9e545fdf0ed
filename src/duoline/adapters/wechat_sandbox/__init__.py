"""A WeChat of our own, for development and tests: it authorizes in a browser and tells whose account a code is.

It shares nothing with Duoline but the wire, which is WeChat's: the same addresses, parameters, answers and error codes,
under an address of its own. It can be told not to answer, to fail, and to answer nonsense.
"""

from duoline.adapters.wechat_sandbox.app import create_app, mount
from duoline.adapters.wechat_sandbox.menu import SCRIPT_PATH
from duoline.adapters.wechat_sandbox.people import openid_of, unionid_of
from duoline.adapters.wechat_sandbox.site import SandboxApp, WechatSandbox, app_secret

__all__ = ["SCRIPT_PATH", "SandboxApp", "WechatSandbox", "app_secret", "create_app", "mount", "openid_of", "unionid_of"]
