import type { MemberCard } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { forget, recall, remember } from "./memory"

/** A card as this phone keeps it: `ahead` is how far its clock is before the server's. */
export interface KeptCard extends MemberCard {
  ahead: number
}

const KEY = "card"
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

/** The card as this phone has it, good for hours without a network; null when it has none that still counts. */
export function keptCard(): KeptCard | null {
  const kept = recall<KeptCard>(KEY)
  return kept && codeAt(kept, Date.now()) ? kept : null
}

/** The card, from this phone while it lasts long enough, else from the server. */
export async function readCard(): Promise<KeptCard> {
  const kept = keptCard()
  if (kept && leftOf(kept) > LEAST_MS) return kept
  try {
    const card = await mall.card()
    const fresh = { ...card, ahead: Date.now() - Date.parse(card.now) }
    remember(KEY, fresh)
    return fresh
  } catch (error) {
    if (kept) return kept
    throw error
  }
}

/** Whoever uses this phone next must not show the card of who used it before. */
export function dropCard(): void {
  forget(KEY)
}
