import type { CardHolder } from "@duoline/client"
import { recall, remember } from "./memory"

/**
 * Cards that this till has read in the last two hours, so that it knows them again without a network. It has no key and no
 * codes: of each code only a value of three digits, by which a made-up or an old one is told apart 999 times of 1000.
 * What is sold goes by the pass that the server gave for the card, and what the member has is never spent offline.
 */
export interface KnownCard {
  holder: CardHolder
  seenAt: string
}
/** Whose sale it is; `seenAt` when the till knew the card by itself. */
export type SaleMember = CardHolder & { seenAt?: string }

const CARDS_MAX = 60
const CHECKS = 1000
const DRIFT = 1

/** By the number on a phone's card, or by what an old one says. */
const nameOf = (text: string) => (text.startsWith("DLC1.") ? text.split(".")[1]! : `old ${text}`)
const tidy = (text: string) => text.trim().toUpperCase()
const stands = (one: KnownCard) => Date.parse(one.holder.until) > Date.now()

function known(): Record<string, KnownCard> {
  return Object.fromEntries(Object.entries(recall<Record<string, KnownCard>>("cards", {})).filter(([, one]) => stands(one)))
}

export function keepCard(text: string, holder: CardHolder): void {
  const kept = Object.entries({ ...known(), [nameOf(tidy(text))]: { holder, seenAt: new Date().toISOString() } satisfies KnownCard })
  kept.sort(([, a], [, b]) => Date.parse(b.seenAt) - Date.parse(a.seenAt))
  remember("cards", Object.fromEntries(kept.slice(0, CARDS_MAX)))
}

/** The card as this till has read it; null for one it has not, or whose code is not that of now. */
export async function knownCard(text: string): Promise<KnownCard | null> {
  const read = tidy(text)
  const found = known()[nameOf(read)]
  if (!found) return null
  const { checks } = found.holder
  if (!read.startsWith("DLC1.")) return found
  if (!checks) return null
  const shown = read.split(".")[2] ?? ""
  const now = Math.floor(Date.now() / 1000 / checks.step_seconds)
  const first = Math.floor(Date.parse(checks.starts_at) / 1000 / checks.step_seconds)
  for (let step = now - DRIFT; step <= now + DRIFT; step += 1) if (checks.values[step - first] === (await checkOf(checks.number, step, shown))) return found
  return null
}

/** As `members.cards.check_of`: the first 32 bits of the digest, modulo a thousand. */
export async function checkOf(number: string, step: number, shown: string): Promise<number> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${number}.${step}.${shown}`))
  return new DataView(digest).getUint32(0) % CHECKS
}

/** A member whose pass still holds; null for one whose pass has run out. */
export const stillTheirs = (member: SaleMember | null): SaleMember | null => (member && Date.parse(member.until) > Date.now() ? member : null)
