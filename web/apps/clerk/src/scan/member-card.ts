import { asProblem } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { t } from "@duoline/i18n"
import { shallowRef } from "vue"
import { keepCard, knownCard, type SaleMember } from "../state/cards"
import { noticeOffline } from "../state/live"
import { sale } from "../state/sale"
import { storeCode } from "../state/session"
import { signal } from "../state/signal"
import { isMemberCard } from "./card-number"
import type { Feedback } from "./context"

/** The member whose card was read where no sale is rung up, for the page that shows them; for some minutes, and never stored there. */
export const shownMember = shallowRef<SaleMember | null>(null)
const SHOWN_MS = 600_000
let hiding: ReturnType<typeof setTimeout> | undefined

/** A member's card on their phone: the sale is theirs from then on. Null when the text is something else. */
export function readMemberCard(text: string): Promise<Feedback> | null {
  return isMemberCard(text) ? takeCard(text) : null
}

/**
 * The member of a card, scanned or typed from an old one; what is wrong with it is said and changes nothing. Without a
 * network the till knows cards that it has read a little while ago.
 */
export async function takeCard(text: string): Promise<Feedback> {
  const found = await readCard(text)
  if ("tone" in found) return found
  sale.member = found
  sale.phone = ""
  return read(found, true)
}

/** The same where no sale is rung up: the page of the member is theirs. */
export async function showCard(text: string): Promise<Feedback> {
  const found = await readCard(text)
  if ("tone" in found) return found
  shownMember.value = found
  clearTimeout(hiding)
  hiding = setTimeout(() => (shownMember.value = null), SHOWN_MS)
  return read(found, false)
}

function read(member: SaleMember, stay: boolean): Feedback {
  signal("counted")
  return { tone: "good", text: t(member.seenAt ? "till.member_known" : "till.member_found", { name: member.display_name || (member.phone_masked ?? "") }), stay }
}

async function readCard(text: string): Promise<SaleMember | Feedback> {
  try {
    const found = await clerk.scanCard({ store: storeCode.value, text: text.trim() })
    keepCard(text, found)
    return found
  } catch (error) {
    const problem = asProblem(error)
    if (problem.status === 0) {
      noticeOffline()
      const known = await knownCard(text).catch(() => null)
      if (known) return { ...known.holder, seenAt: known.seenAt }
    }
    signal("refused")
    return { tone: "bad", text: problem.status === 0 ? t("till.member_unknown_offline") : problem.detail, stay: true }
  }
}
