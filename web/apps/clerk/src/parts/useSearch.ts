import type { StockLine } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { ref, watch, type Ref } from "vue"
import { expired, storeCode } from "../state/session"

const PAUSE_MS = 250

/** Articles of this shop by words, as they are typed; `null` while nothing is asked. */
export function useSearch(words: Ref<string>): { items: Ref<StockLine[] | null>; next: Ref<string | null>; error: Ref<unknown>; run: () => Promise<void>; more: () => Promise<void> } {
  const items = ref<StockLine[] | null>(null)
  const next = ref<string | null>(null)
  const error = ref<unknown>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0

  async function run() {
    const mine = ++asked
    const q = words.value.trim()
    if (!q) return
    error.value = null
    try {
      const answer = await clerk.stock({ store: storeCode.value, ...(/^\d{8,14}$/.test(q) ? { gtin: q } : { q }) })
      if (mine !== asked) return
      items.value = answer.items
      next.value = answer.next
    } catch (caught) {
      if (mine === asked && !expired(caught)) error.value = caught
    }
  }
  async function more() {
    if (!next.value) return
    try {
      const answer = await clerk.stock({ store: storeCode.value, q: words.value.trim(), cursor: next.value })
      items.value = [...(items.value ?? []), ...answer.items]
      next.value = answer.next
    } catch (caught) {
      if (!expired(caught)) error.value = caught
    }
  }
  watch(
    words,
    (text) => {
      clearTimeout(timer)
      asked += 1
      if (!text.trim()) {
        items.value = null
        next.value = null
        error.value = null
        return
      }
      timer = setTimeout(() => void run(), PAUSE_MS)
    },
    { immediate: true },
  )
  return { items, next, error, run, more }
}
