"""What must always hold of members. Each query returns the rows that break it."""

from __future__ import annotations

INVARIANTS: list[tuple[str, str, str]] = [
    (
        "MEM-1",
        "A phone leads to the one member who has it, and back.",
        """SELECT COALESCE(p.phone, m.phone) AS phone, p.member_id AS by_index, m.member_id
           FROM phone_index p FULL JOIN (SELECT member_id, phone FROM members WHERE phone IS NOT NULL) m
             ON m.phone = p.phone AND m.member_id = p.member_id
           WHERE p.phone IS NULL OR m.phone IS NULL""",
    ),
    (
        "MEM-2",
        "Of a member's addresses one is the default.",
        """SELECT member_id, count(*) FILTER (WHERE is_default) AS defaults FROM addresses
           GROUP BY member_id HAVING count(*) FILTER (WHERE is_default) <> 1""",
    ),
    (
        "MEM-4",
        "An electronic card leads to the one member who has it, and back.",
        """SELECT coalesce(c.card_no, m.card_no) AS card_no, c.member_id AS by_card, m.member_id
           FROM member_cards c
           FULL JOIN (SELECT card_no, member_id FROM members WHERE card_no IS NOT NULL) m
             ON m.card_no = c.card_no AND m.member_id = c.member_id
           WHERE c.card_no IS NULL OR m.card_no IS NULL""",
    ),
    (
        "MEM-3",
        "Every member has a tier and no guest has; a member's history of tiers ends with the one they have, and each"
        " change begins where the one before it ended.",
        """SELECT m.member_id, m.kind, m.tier, NULL AS said FROM members m WHERE (m.kind = 'guest') <> (m.tier = '')
           UNION ALL
           SELECT m.member_id, m.kind, m.tier, c.tier FROM members m
           JOIN LATERAL (SELECT tier FROM tier_changes c WHERE c.member_id = m.member_id
                         ORDER BY at DESC, id DESC LIMIT 1) c ON c.tier <> m.tier AND m.erased_at IS NULL
           UNION ALL
           SELECT c.member_id, 'member', c.before, c.last
           FROM (SELECT member_id, before, lag(tier) OVER (PARTITION BY member_id ORDER BY at, id) AS last
                 FROM tier_changes) c
           WHERE c.before <> c.last""",
    ),
    (
        "MEM-5",
        "Who was forgotten has no name, number, session, address or key, once the logs were swept.",
        """SELECT e.member_id, 'members' AS in_table FROM erasures e JOIN members m ON m.member_id = e.member_id
           WHERE m.erased_at IS NULL OR m.phone IS NOT NULL OR m.display_name <> ''
           UNION ALL
           SELECT x.member_id, x.in_table FROM erasures e
           JOIN (SELECT member_id, 'phone_index' AS in_table FROM phone_index
                 UNION ALL SELECT member_id, 'member_codes' FROM member_codes
                 UNION ALL SELECT member_id, 'member_cards' FROM member_cards
                 UNION ALL SELECT member_id, 'member_sessions' FROM member_sessions
                 UNION ALL SELECT member_id, 'addresses' FROM addresses) x ON x.member_id = e.member_id
           WHERE e.swept_at IS NOT NULL""",
    ),
    (
        "MEM-6",
        "What a member agreed to is a text that was published before they did.",
        """SELECT c.member_id, c.purpose, c.text_version, c.at FROM consents c
           WHERE c.text_version > 1 AND NOT EXISTS (
               SELECT FROM consent_texts t
               WHERE t.purpose = c.purpose AND t.version = c.text_version AND t.created_at <= c.at)""",
    ),
    (
        "MEM-7",
        "A member's home shop is the one that is written down as still so.",
        """SELECT m.member_id, m.home_store_id, h.store_id FROM members m
           FULL JOIN (SELECT member_id, store_id FROM home_stores WHERE until_at IS NULL) h ON h.member_id = m.member_id
           WHERE m.home_store_id IS DISTINCT FROM h.store_id""",
    ),
    (
        "MRG-1",
        "Of whoever is merged one record says into whom, and nobody else is.",
        """SELECT coalesce(m.member_id, g.other_id) AS other_id, m.merged_into, g.member_id
           FROM (SELECT member_id, merged_into FROM members WHERE merged_into IS NOT NULL) m
           FULL JOIN (SELECT member_id, other_id FROM member_merges WHERE undone_at IS NULL) g
             ON g.other_id = m.member_id AND g.member_id = m.merged_into
           WHERE m.member_id IS NULL OR g.other_id IS NULL""",
    ),
    (
        "MRG-2",
        "Whom others are merged into is merged into nobody, and knows how many they are: no ring, no chain.",
        """SELECT m.member_id, m.merged_into, m.merged_others, coalesce(g.n, 0) AS live
           FROM members m LEFT JOIN (SELECT member_id, count(*) AS n FROM member_merges WHERE undone_at IS NULL
                                     GROUP BY member_id) g ON g.member_id = m.member_id
           WHERE m.merged_others <> coalesce(g.n, 0) OR (m.merged_into IS NOT NULL AND coalesce(g.n, 0) > 0)""",
    ),
    (
        "MRG-3",
        "A survivor sees the orders of the other and of the guests the other was, as long as the merge lasts and no"
        " longer.",
        """SELECT g.member_id, g.other_id AS guest_id FROM member_merges g
           WHERE g.undone_at IS NULL AND NOT EXISTS (
               SELECT FROM adopted_guests a WHERE a.member_id = g.member_id AND a.guest_id = g.other_id)
           UNION ALL
           SELECT g.member_id, o.guest_id FROM member_merges g JOIN adopted_guests o ON o.member_id = g.other_id
           WHERE g.undone_at IS NULL AND o.guest_id <> g.member_id AND NOT EXISTS (
               SELECT FROM adopted_guests a WHERE a.member_id = g.member_id AND a.guest_id = o.guest_id)
           UNION ALL
           SELECT a.member_id, a.guest_id FROM adopted_guests a
           JOIN member_merges g ON g.member_id = a.member_id AND g.id = a.merge_id
           WHERE g.undone_at IS NOT NULL""",
    ),
    (
        "IDN-1",
        "An identity leads to one member at most, who is one.",
        """SELECT i.value, i.kind, count(*) AS members FROM identities i WHERE i.leads
           GROUP BY i.value, i.kind HAVING count(*) > 1
           UNION ALL
           SELECT i.value, i.kind, 0 FROM identities i LEFT JOIN members m ON m.member_id = i.member_id
           WHERE m.member_id IS NULL OR m.kind <> 'member'""",
    ),
]
