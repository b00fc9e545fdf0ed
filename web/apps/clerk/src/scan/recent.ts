import { reactive, watch } from "vue"
import { recall, remember } from "../state/memory"

/** What was scanned lately and where it led. Codes of customers are not kept, only the order they opened. */
export interface Seen {
  kind: "pickup" | "order" | "product"
  label: string
  to: string
  at: string
}

const KEPT = 12
export const recent = reactive<Seen[]>(recall<Seen[]>("seen", []))
watch(recent, () => remember("seen", recent))

export function noteSeen(seen: Omit<Seen, "at">): void {
  const before = recent.findIndex((one) => one.to === seen.to)
  if (before >= 0) recent.splice(before, 1)
  recent.unshift({ ...seen, at: new Date().toISOString() })
  recent.splice(KEPT)
}
