"""Policies of members, as data with a version (see `kernel.policies`)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from duoline.kernel.errors import BadInput
from duoline.kernel.policies import Policy, whole
from duoline.kernel.text import Text

TIERS_MAX = 9
AMOUNT_MAX = 100_000_000_000

TierCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,20}$")]


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tier: who has spent `from_minor` within the policy's window has it. The first is every member's."""

    code: TierCode
    name: Text
    from_minor: Annotated[int, msgspec.Meta(ge=0, le=AMOUNT_MAX)] = 0


class TierPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The tiers from the lowest upwards, and how long they last.

    Spent is what units handed over and not brought back cost after offers, in minor units of the chain's currency, of
    orders of the last `window_days`. A tier that was reached is kept for `keep_days` whatever is spent; after that it
    is left `grace_days` after too little was spent for it. Refuses `kernel.bad-input` for tiers that are none.
    """

    tiers: Annotated[
        tuple[Tier, ...],
        msgspec.Meta(min_length=1, max_length=TIERS_MAX, title="Tiers", extra={"zh": "会员等级", "en": "Tiers"}),
    ] = (
        Tier(code="member", name=Text("会员", "Member")),
        Tier(code="silver", name=Text("银卡会员", "Silver"), from_minor=100_000),
        Tier(code="gold", name=Text("金卡会员", "Gold"), from_minor=500_000),
        Tier(code="black", name=Text("黑金会员", "Black"), from_minor=2_000_000),
    )
    window_days: Annotated[int, whole(1, 3_650, zh="累计消费的天数", en="Days in which spending counts")] = 365
    keep_days: Annotated[int, whole(0, 3_650, zh="等级至少保留(天)", en="Days a tier is kept at least")] = 365
    grace_days: Annotated[int, whole(0, 3_650, zh="不够后再保留(天)", en="Days it stays after that")] = 30

    def __post_init__(self) -> None:
        """Refuse what cannot be judged by."""
        if problems := problems_of(self.tiers):
            raise BadInput(problems=problems)

    def rank(self, code: str) -> int:
        """The place of a tier from 0 upwards; -1 for one that is none (any more)."""
        return next((n for n, tier in enumerate(self.tiers) if tier.code == code), -1)

    def earned(self, spent_minor: int) -> str:
        """The highest tier for which this is enough."""
        return next(tier.code for tier in reversed(self.tiers) if tier.from_minor <= spent_minor)


def problems_of(tiers: tuple[Tier, ...]) -> list[dict[str, str]]:
    """What is wrong with tiers, by field, in both languages; empty when they can be judged by."""
    found = []
    for n, tier in enumerate(tiers):
        field = f"body.tiers.{n}"
        if any(tier.code == other.code for other in tiers[:n]):
            found.append({"field": f"{field}.code", "zh": "等级编码重复了。", "en": "Two tiers have this code."})
        if n == 0 and tier.from_minor:
            found.append(
                {
                    "field": f"{field}.from_minor",
                    "zh": "第一级给所有会员,消费要从 0 起。",
                    "en": "The first tier is every member's: it starts at nothing.",
                }
            )
        if n and tier.from_minor <= tiers[n - 1].from_minor:
            found.append(
                {
                    "field": f"{field}.from_minor",
                    "zh": "每一级的消费要求都要高于前一级。",
                    "en": "Each tier asks for more than the one before it.",
                }
            )
    return found


TIERS = Policy("tiers", TierPolicy, TierPolicy())


def tier_name(code: str | None) -> Text:
    """The name of a tier as it is called now; of one that is no more, of the first."""
    tiers = TIERS.current().body.tiers
    return next((tier for tier in tiers if tier.code == code), tiers[0]).name.filled


class MatchingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When two members may be one person. What points to it adds up, to 100 at most; from `queue_from` on somebody
    looks at the pair. Nobody is merged by points alone: a sign-up is a member's only by an identity that leads to them.

    `phone_and_name`: a number leads to its member only where the name does not speak against it; a family shares one.
    """

    queue_from: Annotated[int, whole(1, 100, zh="达到多少分进入待确认", en="Points from which a pair is looked at")] = (
        60
    )
    same_name: Annotated[int, whole(0, 100, zh="姓名相同", en="Same name")] = 30
    phone_near: Annotated[int, whole(0, 100, zh="手机号只差一位", en="Phones that differ in one digit")] = 40
    same_mail: Annotated[int, whole(0, 100, zh="邮箱相同", en="Same mail address")] = 60
    mail_near: Annotated[int, whole(0, 100, zh="邮箱名相同,后缀不同", en="Same mail name at another provider")] = 35
    shared: Annotated[int, whole(0, 100, zh="身份标识相互矛盾", en="Identities that contradict each other")] = 80
    phone_and_name: bool = True


MATCHING = Policy("matching", MatchingPolicy, MatchingPolicy())
