"""What the organisation refuses."""

from __future__ import annotations

from duoline.kernel.errors import Refusal


class WrongCredentials(Refusal):
    """No such log-in, or not its password; which of the two is not said."""

    code = "stores.wrong-credentials"
    status = 401
    zh = "账号或密码不正确。"
    en = "The log-in or the password is wrong."


class Locked(Refusal):
    """Too many wrong passwords; `until_at` says when the next try counts."""

    code = "stores.locked"
    status = 429
    zh = "密码输错次数太多,账号已暂时锁定,请稍后再试。"
    en = "Too many wrong passwords; this log-in is locked for a while."


class WeakPassword(Refusal):
    """A password that is too short or too easy."""

    code = "stores.weak-password"
    status = 422
    zh = "密码至少 10 个字符,不能是常见密码或与账号相同。"
    en = "A password has 10 characters or more and is neither a common one nor the log-in."


class LoginTaken(Refusal):
    """Somebody else has this log-in."""

    code = "stores.login-taken"
    status = 409
    zh = "这个账号名已被使用。"
    en = "This log-in is taken."


class CodeTaken(Refusal):
    """Another store, region or company has this code."""

    code = "stores.code-taken"
    status = 409
    zh = "编号 {code_taken} 已被使用。"
    en = "The code {code_taken} is taken."


class GrantNotYours(Refusal):
    """A right that the giver may not hand out or take away."""

    code = "stores.grant-not-yours"
    status = 403
    zh = "您不能授予或收回这项权限。"
    en = "You may not give or take away this right."


class NoSuchUnit(Refusal):
    """A grant for a unit that does not exist or does not fit the role."""

    code = "stores.no-such-unit"
    status = 422
    zh = "权限对应的组织不存在,或与角色不符。"
    en = "The unit of this right does not exist or does not fit the role."


class LastHeadquarters(Refusal):
    """The last person of headquarters cannot leave or lose the right: nobody could give it back."""

    code = "stores.last-headquarters"
    status = 409
    zh = "这是最后一位总部管理员,不能离职或取消权限。"
    en = "This is the last administrator of headquarters and cannot leave or lose the right."


class StoreChanged(Refusal):
    """Somebody else changed the store since it was read; `version` is the present one."""

    code = "stores.changed-meanwhile"
    status = 409
    zh = "门店资料刚被别人修改过,请刷新后再改。"
    en = "Somebody else has just changed this store; load it again and then change it."


class RegionCycle(Refusal):
    """A region cannot be below itself."""

    code = "stores.region-cycle"
    status = 422
    zh = "区域不能归属于自己或自己的下级。"
    en = "A region cannot belong to itself or to one below it."


class KeyRevoked(Refusal):
    """The key of another system has ended before."""

    code = "stores.key-revoked"
    status = 409
    zh = "这个密钥已经停用。"
    en = "This key has been revoked already."
