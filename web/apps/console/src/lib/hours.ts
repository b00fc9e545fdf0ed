import type { Span } from "@duoline/client"

/** `9`, `930`, `9:30`, `09.30` as `09:30`; null when it is no time of day. `24:00` is the end of a day. */
export function readTime(text: string): string | null {
  const found = /^(\d{1,2})(?:[:.\uff1a]?(\d{2}))?$/.exec(text.trim())
  if (!found) return null
  const hour = Number(found[1])
  const minute = Number(found[2] ?? 0)
  if (minute > 59 || hour > 24 || (hour === 24 && minute > 0)) return null
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`
}

export function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3))
}

export type SpanFault = "unreadable" | "order" | "overlap" | "too_many"
const SPANS_MAX = 4

/** What is wrong with a day's spans, by place; the rules of the back end. */
export function spanFaults(spans: readonly Span[]): Map<number, SpanFault> {
  const faults = new Map<number, SpanFault>()
  let last = -1
  spans.forEach((span, n) => {
    const opens = readTime(span.opens)
    const closes = readTime(span.closes)
    if (n >= SPANS_MAX) faults.set(n, "too_many")
    else if (!opens || !closes || opens === "24:00") faults.set(n, "unreadable")
    else if (minutesOf(opens) >= minutesOf(closes)) faults.set(n, "order")
    else if (minutesOf(opens) <= last) faults.set(n, "overlap")
    if (closes) last = Math.max(last, minutesOf(closes))
  })
  return faults
}

/** Open minutes a week. */
export function openMinutes(week: readonly (readonly Span[])[]): number {
  return week.flat().reduce((sum, span) => {
    const opens = readTime(span.opens)
    const closes = readTime(span.closes)
    return opens && closes ? sum + Math.max(0, minutesOf(closes) - minutesOf(opens)) : sum
  }, 0)
}
