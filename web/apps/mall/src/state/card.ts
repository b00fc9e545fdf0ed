import type { MemberCard } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { recall, remember } from "./memory"
import { OWN_CARD, session } from "./session"

/** A card as this phone keeps it: whose it is, and `ahead`, how far the phone's clock is before the server's. */
export interface KeptCard extends MemberCard {
  member: string
  ahead: number
}

/** So much has to be left for a card without a network to be worth showing; less is asked for anew. */
const LEAST_MS = 6 * 60 * 60 * 1000

/** The code of a card in this moment and when it ends, by this phone's clock; null when its codes have run out. */
export function codeAt(card: KeptCard, now: number): { text: string; endsAt: number } | null {
  const step = card.step_seconds * 1000
  const starts = Date.parse(card.starts_at) + card.ahead
  const n = Math.floor((now - starts) / step)
  const code = card.codes[n]
  return code === undefined ? null : { text: `${card.prefix}.${code}`, endsAt: starts + (n + 1) * step }
}

const leftOf = (card: KeptCard) => Date.parse(card.starts_at) + card.ahead + card.codes.length * card.step_seconds * 1000 - Date.now()

/**
 * The card as this phone has it, good for hours without a network; null when it has none that still counts, or
 * another member's. As long as the server has not said who is here, it is that of who logged in last: `session.ts`
 * drops it for everybody else.
 */
export function keptCard(): KeptCard | null {
  const kept = recall<KeptCard>(OWN_CARD)
  const theirs = kept?.member && (!session.asked || session.me?.id === kept.member)
  return theirs && codeAt(kept, Date.now()) ? kept : null
}

/** The card, from this phone while it lasts long enough, else from the server. */
export async function readCard(): Promise<KeptCard> {
  const kept = keptCard()
  if (kept && leftOf(kept) > LEAST_MS) return kept
  const member = session.me?.id
  try {
    const card = await mall.card()
    const fresh = { ...card, member: member ?? "", ahead: Date.now() - Date.parse(card.now) }
    // Whoever logged in meanwhile must not find it: it is kept only for who asked.
    if (member && session.me?.id === member) remember(OWN_CARD, fresh)
    return fresh
  } catch (error) {
    if (kept) return kept
    throw error
  }
}
