"""What is told of who a member is: tiers, what they agreed to, what says who they are, and whom they were merged with.

Identities and merges are headquarters' to see: they tell of other members.
"""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, PERSON, Part

_ENDED = {"event": "'separated'", "actor": "t.undone_by", "reason": "t.undone_reason"}
_MERGED = {"event": "'merged'", "actor": "t.actor", "reason": "t.reason"}
# A merge that was undone is told at both; one that lasts at the survivor, whose history is the other's too.
_AWAY = f"{EVERYTHING} AND NOT t.member_id = ANY ({PERSON})"

HISTORY = (
    Part(
        "tier",
        "tier_changes t",
        "t.member_id",
        "t.at",
        "t.id",
        {
            "event": "t.because",
            "amount_minor": f"CASE WHEN {EVERYTHING} THEN t.spent_minor END",
            "before": "t.before",
            "what": "t.tier",
            "actor": "t.actor",
            "reason": "t.reason",
        },
        alone=True,
    ),
    Part(
        "consent",
        "consents t",
        "t.member_id",
        "t.at",
        "t.id",
        {
            "event": "CASE WHEN t.granted THEN 'granted' ELSE 'withdrawn' END",
            "what": "t.purpose",
            "source": "t.channel",
            "actor": "t.actor",
        },
    ),
    Part(
        "identity",
        "identities t",
        "t.member_id",
        "t.since",
        "md5(t.kind || ' ' || t.value || ' ' || t.member_id)::uuid",
        {"event": "'known'", "what": "t.kind", "source": "t.source"},
        where=EVERYTHING,
    ),
    Part(
        "identity",
        "adopted_guests t",
        "t.member_id",
        "t.adopted_at",
        "t.guest_id",
        {"event": "'guest'"},
        where=f"{EVERYTHING} AND t.merge_id IS NULL",
    ),
    Part("identity", "member_merges t", "t.member_id", "t.at", "t.id", _MERGED | {"other_id": "t.other_id"},
         where=EVERYTHING),
    Part("identity", "member_merges t", "t.member_id", "t.undone_at", "t.id", _ENDED | {"other_id": "t.other_id"},
         where=f"{EVERYTHING} AND t.undone_at IS NOT NULL"),
    Part("identity", "member_merges t", "t.other_id", "t.at", "t.id", _MERGED | {"other_id": "t.member_id"},
         where=_AWAY),
    Part("identity", "member_merges t", "t.other_id", "t.undone_at", "t.id", _ENDED | {"other_id": "t.member_id"},
         where=f"{_AWAY} AND t.undone_at IS NOT NULL"),
)  # fmt: skip
