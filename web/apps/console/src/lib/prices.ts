import type { PriceRow } from "../api/types"

export interface Wanted {
  scope: PriceRow["scope"]
  scope_code: string | null
  channel: string
  /** Whose price it is; empty for everybody's. */
  tier: string
  /** Instants in milliseconds; until is infinite when the price stays open. */
  from: number
  until: number
}

export interface Effect {
  /** An open price of the same scope, which the new one ends. */
  ends: PriceRow | null
  /** Prices of the same scope that would hold at the same time: the back end refuses. */
  overlaps: PriceRow[]
}

const begins = (row: PriceRow) => Date.parse(row.valid_from)
const finishes = (row: PriceRow) => (row.valid_until === null ? Infinity : Date.parse(row.valid_until))

/** What setting a price would do to those that are there, by the rules of the back end. */
export function effectOf(rows: readonly PriceRow[], wanted: Wanted): Effect {
  const same = rows.filter((row) => row.scope === wanted.scope && (row.scope_code ?? null) === wanted.scope_code && row.channel === wanted.channel && row.tier === wanted.tier)
  const ends = same.find((row) => row.valid_until === null && begins(row) < wanted.from) ?? null
  const overlaps = same.filter((row) => row !== ends && begins(row) < wanted.until && finishes(row) > wanted.from)
  return { ends, overlaps }
}

/** `129`, `129.9`, `129.90` in minor units of a currency with two decimals; null when it is no amount. */
export function readYuan(text: string): number | null {
  const found = /^(\d{1,9})(?:\.(\d{1,2}))?$/.exec(text.trim().replace(/^[\u00a5\uffe5]/, "").replaceAll(",", ""))
  if (!found) return null
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"))
}

export type PriceState = "now" | "later" | "past"
/** The server's clock decides what is in force; ours only when it ends meanwhile. */
export function stateOf(row: PriceRow, now: number): PriceState {
  if (row.in_force && finishes(row) > now) return "now"
  if (begins(row) > now) return "later"
  return finishes(row) <= now ? "past" : "now"
}
