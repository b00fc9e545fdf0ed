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
]
