import { asProblem, newKey, type Count, type CountLine, type CountScan, type StockLine } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { computed, reactive, ref } from "vue"
import { sameGtin } from "../scan/act"
import { recall, remember } from "./memory"
import { patiently } from "./patience"

interface Waiting {
  id: string
  sku_id: string
  delta?: number
  counted?: number
  at: number
}
const BATCH = 100
const PAGES_MAX = 60
const AGE_MAX_MS = 47 * 3_600_000

/**
 * One count on this phone. What is scanned is shown at once, kept on the phone and sent in order; each scan has a name
 * of its own, so that sending it again counts nothing. Nothing is lost without a network or when the app is closed.
 */
export function useCounting(id: string) {
  const place = `count.${id}`
  const count = ref<Count | null>(null)
  const lines = reactive(new Map<string, CountLine>())
  const waiting = ref<Waiting[]>(recall<Waiting[]>(place, []))
  const order = ref<string[]>([])
  const sending = ref(false)
  const stuck = ref<unknown>(null)

  async function load(): Promise<void> {
    count.value = await patiently(() => clerk.count(id))
    let cursor: string | undefined
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const now = await clerk.countLines(id, { limit: 100, ...(cursor && { cursor }) })
      for (const line of now.items) lines.set(line.sku_id, line)
      if (!now.next) break
      cursor = now.next
    }
    order.value = [...lines.values()]
      .filter((line) => line.last_at)
      .sort((a, b) => (b.last_at ?? "").localeCompare(a.last_at ?? ""))
      .map((line) => line.sku_id)
    for (const one of waiting.value) raise(one.sku_id)
    void flush()
  }
  function raise(skuId: string): void {
    order.value = [skuId, ...order.value.filter((one) => one !== skuId)]
  }
  /** The units of an article with what is not sent yet. */
  function units(skuId: string): number {
    return waiting.value
      .filter((one) => one.sku_id === skuId)
      .reduce((sum, one) => one.counted ?? Math.max(0, sum + (one.delta ?? 0)), lines.get(skuId)?.counted ?? 0)
  }
  /** The article of a label or code that is on the list already: known without a network. */
  function known(text: string): CountLine | undefined {
    const code = text.trim()
    return [...lines.values()].find((line) => line.sku_code === code || sameGtin(line.gtin, code))
  }
  /** An article that was not on the list. */
  function meet(sku: StockLine): void {
    if (lines.has(sku.sku_id)) return
    const { sku_id, sku_code, gtin, name, options, image, price } = sku
    const nothing = { counted: null, book: null, difference: null, applied: null, short: null, moved: false, last_at: null }
    lines.set(sku_id, { sku_id, sku_code, gtin, name, options, image, price, shelf: sku.here.shelf, ...nothing })
  }
  function add(skuId: string, how: { delta: number } | { counted: number }): void {
    waiting.value = [...waiting.value, { id: newKey(), sku_id: skuId, at: Date.now(), ...how }]
    remember(place, waiting.value)
    raise(skuId)
    void flush()
  }
  async function flush(): Promise<void> {
    if (sending.value) return
    sending.value = true
    stuck.value = null
    try {
      while (waiting.value.length) {
        const batch = waiting.value.slice(0, BATCH)
        const scans: CountScan[] = batch.map(({ at, ...one }) => ({ ...one, age_ms: Math.min(Math.max(0, Date.now() - at), AGE_MAX_MS) }))
        const answer = await patiently(() => clerk.countScans(id, scans, newKey()))
        const sent = new Set(batch.map((one) => one.id))
        waiting.value = waiting.value.filter((one) => !sent.has(one.id))
        remember(place, waiting.value.length ? waiting.value : null)
        count.value = answer.count
        for (const line of answer.lines) lines.set(line.sku_id, line)
      }
    } catch (caught) {
      stuck.value = caught
    } finally {
      sending.value = false
    }
  }
  /** Whether what is stuck will never be taken, because the count is over. */
  const refused = computed(() => stuck.value !== null && !asProblem(stuck.value).retryable && asProblem(stuck.value).status !== 401)
  function drop(): void {
    waiting.value = []
    stuck.value = null
    remember(place, null)
  }
  const shown = computed(() => order.value.map((skuId) => lines.get(skuId)).filter((line): line is CountLine => line !== undefined))
  const left = computed(() => [...lines.values()].filter((line) => line.counted === null && !order.value.includes(line.sku_id)))
  return { count, lines, waiting, sending, stuck, refused, shown, left, order, load, units, known, meet, add, flush, drop }
}
