"""Whether a sign-up is somebody we know, and which members may be one person. Pure.

*Strong* identities lead to one member: a union id, an open id, a marketplace's buyer id, a card number, a phone, in
this order. One of them is enough to be that member, unless a stronger one speaks against it: two union ids are two
people, and one number with two names is a family's. Everything else (the same name, a number with one wrong digit, the
same mail address) is *weak*: it makes a pair for somebody to look at, never a merge. The algorithm knows no nicknames
and no change of name: such sign-ups become pairs.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from duoline.members import phones
from duoline.members.errors import BadPhone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from duoline.members.policy import MatchingPolicy

STRONG = ("wechat_unionid", "wechat_openid", "marketplace", "card_no", "phone")
"""Kinds by strength. `marketplace:<name>` counts as its first part."""

SINGLE = ("wechat_unionid", "wechat_openid")
"""Of these a person has one: two different ones are two people."""

DOUBTS_MAX = 5
"""So many pairs one sign-up makes: a number that a counter types for everybody would otherwise pair all of them."""

_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,}")
_SPACES = re.compile(r"\s+")


# --- how values are written -------------------------------------------------------------------------------


def mail_of(text: str) -> str | None:
    """A mail address in one form: half width, small letters, no spaces. None for what is none."""
    plain = _SPACES.sub("", unicodedata.normalize("NFKC", text)).lower()
    return plain if _MAIL.fullmatch(plain) else None


def mail_name(mail: str) -> str:
    """What is compared of an address besides its provider: the part before the tag and the @."""
    return mail.partition("@")[0].partition("+")[0]


def mail_core(mail: str) -> str:
    """An address without its tag: `li+shop@a.cn` and `li@a.cn` are one mailbox."""
    return f"{mail_name(mail)}@{mail.partition('@')[2]}"


def phone_of(text: str) -> str | None:
    """A number in E.164 form; None for what is none."""
    try:
        return phones.normalise(_SPACES.sub("", unicodedata.normalize("NFKC", text)))
    except BadPhone:
        return None


def id_of(text: str) -> str | None:
    """An identifier of somebody else's system: half width, without spaces, its case kept; None for nothing."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)) or None


def name_of(text: str) -> str:
    """A name as it is compared: half width, without spaces and dots, without case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in plain if not (sign.isspace() or sign in ".·・-_'"))


# --- whether two are one -----------------------------------------------------------------------------------


class Claims(NamedTuple):
    """What a sign-up or a member says of who they are: values by kind, and a name."""

    name: str
    values: Mapping[str, frozenset[str]]

    def of(self, kind: str) -> frozenset[str]:
        """The values of a kind."""
        return self.values.get(kind, frozenset())


class Doubt(NamedTuple):
    """Two members who may be one person, the lower id first; points, and why."""

    ids: tuple[UUID, UUID]
    score: int
    reasons: tuple[str, ...]


class Decision(NamedTuple):
    """Who a sign-up is (None: somebody new), and the members it casts doubt on, with the reason of each."""

    member: UUID | None
    doubts: dict[UUID, tuple[str, ...]]


def decide(
    rules: MatchingPolicy, said: Claims, found: Mapping[str, list[UUID]], known: Mapping[UUID, Claims]
) -> Decision:
    """Who a sign-up is. `found` has, by kind, the members that one of its strong identities leads to or that claim it;
    `known` what each of them says.

    The strongest identity that nothing speaks against decides. A number that several claim says nothing by itself: the
    name decides, or another identity of the sign-up; with neither, whom the number leads to. Every other member found
    is a doubt.
    """
    ranked = sorted(found, key=_strength)
    against = {
        (kind, member): why
        for kind in ranked
        for member in found[kind]
        if (why := _contradiction(rules, kind, said, known[member])) is not None
    }
    chosen: UUID | None = None
    perhaps: UUID | None = None
    for kind in ranked:
        could = [member for member in found[kind] if (kind, member) not in against]
        if kind == "phone" and len(found[kind]) > 1:
            perhaps = next(iter(could), None)
            could = [member for member in could if _same_name(said, known[member])]
        chosen = chosen or next(iter(could), None)
    if chosen is None and len([kind for kind in said.values if _plain(kind) in STRONG]) == 1:
        chosen = perhaps
    doubts: dict[UUID, tuple[str, ...]] = {}
    for kind in ranked:
        for member in found[kind]:
            if member != chosen:
                contradiction = against.get((kind, member))
                reasons = ("shared_" + _plain(kind), contradiction) if contradiction else ("shared_" + _plain(kind),)
                doubts.setdefault(member, reasons)
    return Decision(chosen, doubts)


def _same_name(said: Claims, known: Claims) -> bool:
    """Whether both names are known and agree."""
    return bool(name_of(said.name) and name_of(known.name)) and not names_differ(said.name, known.name)


def _contradiction(rules: MatchingPolicy, kind: str, said: Claims, known: Claims) -> str | None:
    """What speaks against one identity being enough; None for nothing. Only stronger ones do, and a name."""
    for single in SINGLE:
        mine, theirs = said.of(single), known.of(single)
        if _strength(single) < _strength(kind) and mine and theirs and not mine & theirs:
            return "other_" + single
    if kind == "phone" and rules.phone_and_name and names_differ(said.name, known.name):
        return "other_name"
    return None


def names_differ(one: str, other: str) -> bool:
    """Whether two names speak against each other: both are known, and neither is a part of the other."""
    a, b = name_of(one), name_of(other)
    return bool(a and b) and a not in b and b not in a


def compare(rules: MatchingPolicy, one: Claims, other: Claims) -> tuple[int, tuple[str, ...]]:
    """How much weak evidence speaks for one person, in points up to 100, and what. Two union ids speak against all."""
    for single in SINGLE:
        if one.of(single) and other.of(single) and not one.of(single) & other.of(single):
            return 0, ()
    reasons, score = [], 0
    name = name_of(one.name)
    if name and name == name_of(other.name):
        reasons.append("same_name")
        score += rules.same_name
    if any(one_digit_apart(a, b) for a in one.of("phone") for b in other.of("phone")):
        reasons.append("phone_near")
        score += rules.phone_near
    mails = {mail_core(mail) for mail in one.of("mail")}, {mail_core(mail) for mail in other.of("mail")}
    if mails[0] & mails[1]:
        reasons.append("same_mail")
        score += rules.same_mail
    elif {mail_name(mail) for mail in mails[0]} & {mail_name(mail) for mail in mails[1]}:
        reasons.append("mail_near")
        score += rules.mail_near
    return min(score, 100), tuple(reasons)


def one_digit_apart(one: str, other: str) -> bool:
    """Whether two numbers of one length differ in one place, or in two neighbours that changed places."""
    if len(one) != len(other) or one == other:
        return False
    at = [n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(at) == 1:
        return True
    return len(at) == 2 and at[1] == at[0] + 1 and one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]]


def keys_of(said: Claims) -> set[bytes]:
    """Digests by which members are brought together to be compared: a name with the first or the last half of a number
    (one wrong digit leaves one of them whole), a name with a mail's name, and a mailbox."""
    name = name_of(said.name)
    found = {_digest("mail", mail_core(mail)) for mail in said.of("mail")}
    if name:
        for phone in said.of("phone"):
            half = len(phone) - 5
            found |= {_digest("head", name, phone[:half]), _digest("tail", name, phone[half:])}
        found |= {_digest("box", name, mail_name(mail)) for mail in said.of("mail")}
    return found


def pair(one: UUID, other: UUID, score: int, reasons: Iterable[str]) -> Doubt:
    """A doubt, the lower id first."""
    low, high = sorted((one, other))
    return Doubt((low, high), score, tuple(reasons))


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=9).digest()


def _plain(kind: str) -> str:
    return kind.partition(":")[0]


def _strength(kind: str) -> int:
    return STRONG.index(_plain(kind))
