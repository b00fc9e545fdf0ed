import { openLive, type LiveStream } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { reactive } from "vue"

/** Something happened to an order of this shop. The names are missing when it has no job here yet. */
export interface Moved {
  fulfilment_id?: string
  state?: string
}
/** An order that this shop sold to be sent home was paid, or is over. */
export interface Sold {
  order_id?: string
  state?: string
}
/** The price of an article has changed, or of many. */
export interface Priced {
  sku_id?: string | null
}
/** `back` is called when news may have been missed: ask for everything again. */
type Listener = { moved?: (what: Moved) => void; stock?: () => void; shortage?: () => void; transfer?: () => void; sale?: (what: Sold) => void; price?: (what: Priced) => void; till?: () => void; back?: () => void }

const PATIENCE_MS = 5000 // a first connection may take this long before the bar speaks of a loss

/** The line to the server. `lostAt` is null while it stands. */
export const live = reactive({ up: false, lostAt: null as Date | null })

const listeners = new Set<Listener>()
let stream: LiveStream | null = null
let patience: ReturnType<typeof setTimeout> | undefined
let shop: string | null = null

export function listen(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** A question found no network while no stream stands: say so at once. */
export function noticeOffline(): void {
  if (shop !== null && !live.up) lost(new Date())
}

function lost(since: Date): void {
  live.up = false
  live.lostAt ??= since
}

export function startLive(code: string): void {
  if (shop === code) return
  stopLive()
  shop = code
  const since = new Date()
  if (navigator.onLine) patience = setTimeout(() => live.up || lost(since), PATIENCE_MS)
  else lost(since)
  stream = openLive(clerk.eventsUrl(code), {
    onEvent: ({ event, data }) => {
      if (event === "fulfilment") for (const one of listeners) one.moved?.(data as Moved)
      if (event === "transfer") for (const one of listeners) one.transfer?.()
      if (event === "sale") for (const one of listeners) one.sale?.(data as Sold)
      if (event === "price") for (const one of listeners) one.price?.(data as Priced)
      if (event === "till") for (const one of listeners) one.till?.()
      if (event === "stock") for (const one of listeners) one.stock?.()
      if (event === "shortage") for (const one of listeners) one.shortage?.()
      if (event === "reset") for (const one of listeners) one.back?.()
    },
    onState: (up, at) => {
      if (!up) return lost(at)
      const wasLost = live.lostAt !== null
      clearTimeout(patience)
      live.up = true
      live.lostAt = null
      if (wasLost) for (const one of listeners) one.back?.()
    },
  })
}

export function stopLive(): void {
  clearTimeout(patience)
  stream?.close()
  stream = null
  shop = null
  live.up = false
  live.lostAt = null
}

export function wake(): void {
  stream?.wake()
}

addEventListener("offline", () => shop !== null && lost(new Date()))
