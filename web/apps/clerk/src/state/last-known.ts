import { recall, remember } from "./memory"
import { storeCode } from "./session"

/** What was known of something when there was a network last, and when that was. */
export interface Known<T> {
  store: string
  at: string
  value: T
}

/** In this shop; null when nothing was. */
export function lastKnown<T>(name: string): Known<T> | null {
  const kept = recall<Known<T> | null>(name, null)
  return kept?.store === storeCode.value ? kept : null
}

/** Forgotten with the log-in (`leave`). */
export function keepKnown(name: string, value: unknown): void {
  remember(name, { store: storeCode.value, at: new Date().toISOString(), value } satisfies Known<unknown>)
}
