"""Tables of engagement: what guides did for their members."""

from __future__ import annotations

from duoline.kernel.columns import at, check, fk, index, pk, text, uid
from duoline.kernel.placement import MEMBER, table

PACKAGE = "engagement"

# A suggestion that a guide took up, or put aside: about which order, coupon or binding (`ref_id`), and how. One that is
# here is suggested no more.
guide_tasks = table(
    PACKAGE,
    "guide_tasks",
    MEMBER,
    uid("member_id"),
    text("kind"),
    uid("ref_id"),
    uid("guide_id"),
    uid("store_id"),
    text("how"),
    text("note", default=""),
    at("done_at"),
    pk("guide_tasks", "member_id", "kind", "ref_id"),
    fk("guide_tasks_member_fk", ["member_id"], "members", ["member_id"]),
    fk("guide_tasks_store_fk", ["store_id"], "stores", ["id"]),
    check(
        "guide_tasks_kind_ck",
        "kind IN ('pickup', 'balance', 'welcome', 'after_sale', 'coupon', 'points', 'quiet')",
    ),
    check("guide_tasks_how_ck", "how IN ('called', 'written', 'met', 'skipped')"),
    index("guide_tasks_guide_ix", "guide_id", "store_id", "done_at"),
)
