"""What the console says of who is one person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from duoline.channels.console.member_shapes import Reason, ShopOf, TierOf
from duoline.channels.http.answers import Input

PairState = Literal["open", "same", "different"]


class PairDecision(Input, frozen=True):
    """Whether they are one person. `keep` says who they are then: the first or the second of the pair."""

    decision: Literal["same", "different"]
    reason: Reason
    keep: Literal["first", "second"] = "first"


class MergeInput(Input, frozen=True):
    """Who is this member too, and why."""

    other_id: UUID
    reason: Reason


class UnmergeInput(Input, frozen=True):
    """Why they are two people after all."""

    reason: Reason


class IdentityInput(Input, frozen=True, kw_only=True):
    """What says who a member is, and why it is known; of a marketplace's buyer id, at which one. `doubt`: somebody else
    has it, and the two are to be looked at."""

    kind: Literal["wechat_unionid", "wechat_openid", "mail", "card_no", "marketplace"]
    marketplace: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,30}$")] | None = None
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=r"\S")]
    reason: Reason
    doubt: bool = False


class IdentityEndInput(Input, frozen=True):
    """Why it says nothing any more."""

    reason: Reason


class IdentityRow(msgspec.Struct, frozen=True, kw_only=True):
    """What says who somebody is, masked, where it came from (`source`) and since when. `alone`: nobody but this person
    has it; `leads`: whoever shows it is this person. `ref` names it to end it, for who may and where that is possible.
    """

    ref: str | None
    kind: str
    shown: str
    alone: bool
    leads: bool
    source: str
    since: datetime
    member_id: UUID


class PersonSide(msgspec.Struct, frozen=True, kw_only=True):
    """One of two members side by side."""

    id: UUID
    name: str
    phone_masked: str | None
    code: str | None
    tier: TierOf
    home_store: ShopOf | None
    since: datetime
    points: int
    orders: int
    last_order_at: datetime | None
    merged_into: UUID | None
    others: int
    identities: list[IdentityRow]


class PairRow(msgspec.Struct, frozen=True, kw_only=True):
    """Two members who may be one person: points for it up to 100, why, and what was decided."""

    first: PersonSide
    second: PersonSide
    state: PairState
    score: int
    reasons: list[str]
    source: str
    found_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    decided_reason: str


class NameOf(msgspec.Struct, frozen=True):
    """A member by id, name and masked phone."""

    id: UUID
    name: str
    phone_masked: str | None


class MergeRow(msgspec.Struct, frozen=True, kw_only=True):
    """That the other was merged into the survivor, and if so that it was undone."""

    id: UUID
    survivor: NameOf
    other: NameOf
    at: datetime
    by: str | None
    reason: str
    undone_at: datetime | None
    undone_by: str | None
    undone_reason: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a member is: into whom they were merged, what says who they are, every merge of theirs, the last first."""

    member_id: UUID
    merged_into: NameOf | None
    identities: list[IdentityRow]
    merges: list[MergeRow]
    open_pairs: int
