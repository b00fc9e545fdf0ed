import type { Card } from "@duoline/client"
import { reactive, watch } from "vue"
import { recall, remember } from "./memory"

/** How many pieces of each line are in the clerk's hands. Kept on this phone, so that a call in between loses nothing. */
interface Work {
  at: number
  lines: Record<string, number>
}

const DAYS_KEPT_MS = 3 * 86_400_000
const kept = recall<Record<string, Work>>("ticks", {})
const ticks = reactive(Object.fromEntries(Object.entries(kept).filter(([, work]) => Date.now() - work.at < DAYS_KEPT_MS)))
watch(ticks, () => remember("ticks", ticks), { deep: true })

export function ticked(card: Card, lineId: string): number {
  const line = card.lines.find((one) => one.line_id === lineId)
  if (!line) return 0
  const mine = ticks[card.id]?.lines[lineId]
  return Math.min(line.quantity, mine ?? 0)
}

export function tick(card: Card, lineId: string, count: number): void {
  const work = (ticks[card.id] ??= { at: Date.now(), lines: {} })
  work.lines[lineId] = count
}

export function tickAll(card: Card): void {
  for (const line of card.lines) tick(card, line.line_id, line.quantity)
}

export function pieces(card: Card): number {
  return card.lines.reduce((total, line) => total + line.quantity, 0)
}

export function tickedPieces(card: Card): number {
  return card.lines.reduce((total, line) => total + ticked(card, line.line_id), 0)
}

export function forgetTicks(id: string): void {
  delete ticks[id]
}
