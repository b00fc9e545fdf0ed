import type { Card } from "@duoline/client"

export interface Due {
  /** What the bar measures: ready by, kept until, arrives by. */
  kind: "ready" | "kept" | "arrives" | "none"
  at: string | null
  /** Share of the time that is left, 0 to 1. */
  left: number
  minutes: number
  tone: "good" | "warn" | "bad"
}

const WARN_MINUTES = 10
const WARN_SHARE = 0.25
const KEPT_WARN_MINUTES = 12 * 60

/** Pure: which promise a card is under and how much of it is left. */
export function dueOf(card: Card, now: Date): Due {
  const pickup = card.kind === "pickup"
  if (card.state === "ready" && pickup) return measure("kept", card.ready_at ?? card.placed_at, card.keep_until, now, KEPT_WARN_MINUTES)
  if (card.state === "shipped" || (!pickup && card.state === "ready")) return measure("arrives", card.placed_at, card.promise_at, now, 120)
  // Nothing is promised before it is paid.
  if (card.state === "to_pick") {
    return measure(pickup ? "ready" : "arrives", card.placed_at, card.promise_at, now, pickup ? WARN_MINUTES : 120)
  }
  return { kind: "none", at: null, left: 0, minutes: 0, tone: "good" }
}

function measure(kind: Due["kind"], from: string, until: string | null, now: Date, warnMinutes: number): Due {
  if (!until) return { kind: "none", at: null, left: 1, minutes: 0, tone: "good" }
  const end = Date.parse(until)
  const whole = Math.max(60_000, end - Date.parse(from))
  const rest = end - now.getTime()
  const minutes = Math.ceil(rest / 60_000)
  const left = Math.min(1, Math.max(0, rest / whole))
  const near = minutes <= warnMinutes || (kind === "ready" && left < WARN_SHARE)
  return { kind, at: until, left, minutes, tone: rest <= 0 ? "bad" : near ? "warn" : "good" }
}
