"""What a member met and shared, and who looked after them. Of codes that hang in a shop and of its guides its own staff
see; codes of the chain and of other members are headquarters' to see."""

from __future__ import annotations

from duoline.kernel.history import EVERYTHING, SHOPS, Part

_NAMES = "ARRAY[p.name_zh, p.name_en]"
_SHOPS = f"({EVERYTHING} OR t.store_id = ANY ({SHOPS}))"
_HUNG = f"({EVERYTHING} OR p.store_id = ANY ({SHOPS}))"
_OTHER = "CASE p.owner_kind WHEN 'member' THEN p.owner_id END"
_MET = "JOIN touchpoints p ON p.owner_id = t.owner_id AND p.id = t.touchpoint_id"
_SAYS = {"place": "p.store_id", "what": "p.kind", "names": _NAMES, "other_id": _OTHER, "behind": "p.id"}

HISTORY = (
    Part("scan", f"touches t {_MET}", "t.member_id", "t.at", "t.id", {"event": "t.via"} | _SAYS, where=_HUNG),
    Part("scan", f"sign_ups t {_MET}", "t.member_id", "t.at", "t.member_id", {"event": "'signed_up'"} | _SAYS,
         where=_HUNG),
    Part("share", "touchpoints p", "p.owner_id", "p.created_at", "p.id",
         {"event": "'shared'", "what": "p.target_kind", "names": _NAMES, "behind": "p.id"},
         where=f"p.owner_kind = 'member' AND {EVERYTHING}"),
    Part("guide", "bindings t", "t.member_id", "t.from_at", "t.id",
         {"event": "'bound'", "place": "t.store_id", "source": "t.source", "guide_id": "t.guide_id"}, where=_SHOPS),
    Part("guide", "bindings t", "t.member_id", "t.until_at", "t.id",
         {"event": "'ended'", "place": "t.store_id", "source": "t.ended_because", "guide_id": "t.guide_id"},
         where=f"t.until_at IS NOT NULL AND {_SHOPS}"),
)  # fmt: skip
