import { asProblem } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { t } from "@duoline/i18n"
import { sale } from "../state/sale"
import { storeCode } from "../state/session"
import { signal } from "../state/signal"
import type { Feedback } from "./context"

const CARD = /^DLC1\.[0-9A-Z]+\.\d+$/i

/** A member's card on their phone: the sale is theirs from then on. Null when the text is something else. */
export function readMemberCard(text: string): Promise<Feedback> | null {
  return CARD.test(text.trim()) ? takeCard(text) : null
}

/** The member of a card, scanned or typed from an old one; what is wrong with it is said and changes nothing. */
export async function takeCard(text: string): Promise<Feedback> {
  try {
    sale.member = await clerk.scanCard({ store: storeCode.value, text: text.trim() })
    sale.phone = ""
    signal("counted")
    return { tone: "good", text: t("till.member_found", { name: sale.member.display_name || (sale.member.phone_masked ?? "") }), stay: true }
  } catch (error) {
    signal("refused")
    return { tone: "bad", text: asProblem(error).detail, stay: true }
  }
}
