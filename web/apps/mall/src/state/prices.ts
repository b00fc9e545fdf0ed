import { openLive, type LiveStream } from "@duoline/client"
import { onMounted, onScopeDispose } from "vue"

const SETTLE_MS = 200 // several changes that come together are asked for once
const SPREAD_MS = 300 // not every open page at the same moment
const REST_MS = 1500 // the page itself comes first
const LANDED = location.pathname
let landing = true

/**
 * Calls `again` when prices may have changed since the page was asked for: of these articles (all when null). The line
 * stands only while the page is visible; who comes back after it was down asks anew.
 */
export function useChangedPrices(about: () => readonly string[] | null, again: () => unknown): void {
  // Where the browser went first, the server may have put the prices into the page; any other page asks when it begins.
  const shownSince = landing && location.pathname === LANDED ? 0 : performance.now()
  landing = false
  let stream: LiveStream | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let rest: ReturnType<typeof setTimeout> | undefined
  let once: ReturnType<typeof setTimeout> | undefined
  let missed = false

  function soon() {
    clearTimeout(timer)
    timer = setTimeout(() => void again(), SETTLE_MS + Math.random() * SPREAD_MS)
  }
  function open() {
    stream ??= openLive("/api/mall/prices/events", {
      shownSince,
      onEvent: ({ event, data }) => {
        const { sku_id: sku = null, again_s: later } = (data ?? {}) as { sku_id?: string | null; again_s?: number }
        const mine = about()
        if (event === "reset" || (event === "price" && (sku === null || mine === null || mine.includes(sku)))) soon()
        if (!later) return
        clearTimeout(once)
        once = setTimeout(() => void again(), later * 1000)
      },
      onState: (up) => {
        if (up && missed) soon()
        missed = !up
      },
    })
  }
  function close() {
    stream?.close()
    stream = null
  }
  function seen() {
    if (document.visibilityState === "visible") {
      missed = true
      open()
    } else close()
  }
  onMounted(() => {
    rest = setTimeout(open, REST_MS)
    document.addEventListener("visibilitychange", seen)
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    clearTimeout(rest)
    clearTimeout(once)
    document.removeEventListener("visibilitychange", seen)
    close()
  })
}
