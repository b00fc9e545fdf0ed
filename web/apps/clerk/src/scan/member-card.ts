import { asProblem } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { t } from "@duoline/i18n"
import { keepCard, knownCard, type SaleMember } from "../state/cards"
import { noticeOffline } from "../state/live"
import { sale } from "../state/sale"
import { storeCode } from "../state/session"
import { signal } from "../state/signal"
import type { Feedback } from "./context"

const CARD = /^DLC1\.[0-9A-Z]+\.\d+$/i

/** A member's card on their phone: the sale is theirs from then on. Null when the text is something else. */
export function readMemberCard(text: string): Promise<Feedback> | null {
  return CARD.test(text.trim()) ? takeCard(text) : null
}

/**
 * The member of a card, scanned or typed from an old one; what is wrong with it is said and changes nothing. Without a
 * network the till knows cards that it has read a little while ago.
 */
export async function takeCard(text: string): Promise<Feedback> {
  try {
    const found = await clerk.scanCard({ store: storeCode.value, text: text.trim() })
    keepCard(text, found)
    return theirs(found, "till.member_found")
  } catch (error) {
    const problem = asProblem(error)
    if (problem.status === 0) {
      noticeOffline()
      const known = await knownCard(text).catch(() => null)
      if (known) return theirs({ ...known.holder, seenAt: known.seenAt }, "till.member_known")
    }
    signal("refused")
    return { tone: "bad", text: problem.status === 0 ? t("till.member_unknown_offline") : problem.detail, stay: true }
  }
}

function theirs(member: SaleMember, said: "till.member_found" | "till.member_known"): Feedback {
  sale.member = member
  sale.phone = ""
  signal("counted")
  return { tone: "good", text: t(said, { name: member.display_name || (member.phone_masked ?? "") }), stay: true }
}
