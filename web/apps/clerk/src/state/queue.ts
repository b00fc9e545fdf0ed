import { asProblem, type Card, type QueueTab } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { reactive } from "vue"
import { listen, noticeOffline } from "./live"
import { recall, remember } from "./memory"
import { hold } from "./merge"
import { expired, session } from "./session"
import { signal } from "./signal"

export const TABS = ["to_pick", "ready", "incoming", "done"] as const satisfies readonly QueueTab[]

export interface List {
  shown: Card[]
  waiting: Card[]
  /** Cards that are still on the screen and have left this list meanwhile. */
  left: Set<string>
  next: string | null
  /** When the server last told us this list; null before it ever did. */
  at: Date | null
  loading: boolean
  error: unknown
}
interface Kept {
  store: string
  at: string
  items: Card[]
}

const PAGE = 100
const OLD_MS = 24 * 3_600_000
const emptyList = (): List => ({ shown: [], waiting: [], left: new Set(), next: null, at: null, loading: false, error: null })

export const queue = reactive({
  store: "",
  lists: { to_pick: emptyList(), ready: emptyList(), incoming: emptyList(), done: emptyList() } as Record<QueueTab, List>,
  counts: { to_pick: 0, ready: 0, incoming: 0 },
  /** Ids that arrived while somebody watched; the card says "new" until it is opened. */
  fresh: new Set<string>(),
  /** Where a colleague or the customer has moved a card since, for the cards that are still on the screen. */
  movedTo: new Map<string, string>(),
})

let known: Set<string> | null = null

/** Starts a shop's lists: at once with what this phone kept, then with what the server says. */
export function openQueue(code: string): void {
  if (queue.store === code) return
  queue.store = code
  known = null
  queue.fresh.clear()
  queue.movedTo.clear()
  queue.counts = { to_pick: 0, ready: 0, incoming: 0 }
  for (const tab of TABS) queue.lists[tab] = keptList(tab, code)
  void refresh("to_pick")
}

function keptList(tab: QueueTab, code: string): List {
  const kept = recall<Kept | null>(`list.${tab}`, null)
  if (kept?.store !== code || Date.now() - Date.parse(kept.at) > OLD_MS) return emptyList()
  if (tab !== "done") queue.counts[tab] = kept.items.length
  return { ...emptyList(), shown: kept.items, at: new Date(kept.at) }
}

/**
 * Asks the server for a list. `move` false keeps what is on the screen where it is; new cards then wait behind the
 * pill. An empty screen has nothing to keep.
 */
export async function refresh(tab: QueueTab, { move = true }: { move?: boolean } = {}): Promise<void> {
  const code = queue.store
  const list = queue.lists[tab]
  list.loading = true
  try {
    const answer = await clerk.queue({ store: code, tab, limit: PAGE })
    if (queue.store !== code) return
    list.error = null
    list.at = new Date()
    queue.counts = answer.counts
    if (tab === "to_pick") announce(answer.items)
    if (move || list.shown.length === 0) {
      Object.assign(list, { shown: answer.items, waiting: [], left: new Set(), next: answer.next })
    } else {
      Object.assign(list, hold(list.shown, answer.items, { partial: answer.next !== null }))
    }
    if (tab !== "done") remember(`list.${tab}`, { store: code, at: list.at.toISOString(), items: answer.items } satisfies Kept)
    badge()
  } catch (error) {
    if (expired(error) || queue.store !== code) return
    if (asProblem(error).status === 0) noticeOffline()
    list.error = error
  } finally {
    list.loading = false
  }
}

export async function more(tab: QueueTab): Promise<void> {
  const list = queue.lists[tab]
  if (!list.next || list.loading) return
  list.loading = true
  try {
    const answer = await clerk.queue({ store: queue.store, tab, limit: PAGE, cursor: list.next })
    const have = new Set(list.shown.map((card) => card.id))
    list.shown.push(...answer.items.filter((card) => !have.has(card.id)))
    list.next = answer.next
  } catch (error) {
    list.error = error
  } finally {
    list.loading = false
  }
}

/** Lets the waiting cards in and the departed out. */
export function settle(tab: QueueTab): void {
  const list = queue.lists[tab]
  if (list.waiting.length === 0 && list.left.size === 0) return
  const stay = list.shown.filter((card) => !list.left.has(card.id))
  list.shown = [...stay, ...list.waiting].sort(inOrder(tab))
  list.waiting = []
  list.left = new Set()
}

/** Sound and vibration for work that nobody here has seen. The first list after the start is no news. */
function announce(items: Card[]): void {
  const seen = known
  known = new Set([...(seen ?? []), ...items.map((card) => card.id)])
  if (!seen) return
  const arrived = items.filter((card) => !seen.has(card.id))
  for (const card of arrived) queue.fresh.add(card.id)
  if (arrived.some((card) => card.in_shop)) signal("waiting")
  else if (arrived.length) signal("arrived")
}

function badge(): void {
  const show = (navigator as { setAppBadge?: (count: number) => Promise<void> }).setAppBadge
  if (show) void show.call(navigator, queue.counts.to_pick).catch(() => undefined)
}

/** A card this phone already has, so that its page opens at once and without a network. */
export function knownCard(id: string): Card | null {
  for (const tab of TABS) {
    const list = queue.lists[tab]
    const found = list.shown.find((card) => card.id === id) ?? list.waiting.find((card) => card.id === id)
    if (found) return found
  }
  return null
}

const TAB_OF: Record<string, QueueTab> = { waiting: "incoming", to_pick: "to_pick", ready: "ready", handed_over: "done", shipped: "done", delivered: "done", cancelled: "done", uncollected: "done", rejected: "done" }
export const tabOf = (card: Card): QueueTab => TAB_OF[card.state] ?? "done"

/** Shows this phone's own step at once: the card leaves its list and stands in its new one. */
export function place(card: Card): void {
  const home = tabOf(card)
  for (const tab of TABS) {
    const list = queue.lists[tab]
    const had = list.shown.some((one) => one.id === card.id)
    if (tab === home && had) list.shown = list.shown.map((one) => (one.id === card.id ? card : one))
    else if (tab !== home) {
      list.shown = list.shown.filter((one) => one.id !== card.id)
      list.waiting = list.waiting.filter((one) => one.id !== card.id)
    } else if (list.at) list.shown = [card, ...list.shown].sort(inOrder(tab))
  }
  known?.add(card.id)
  askSoon()
}

/** As the server orders a tab: the most urgent first; what is done, newest first. */
function inOrder(tab: QueueTab): (a: Card, b: Card) => number {
  if (tab === "done") return (a, b) => (b.done_at ?? "").localeCompare(a.done_at ?? "")
  return (a, b) => (a.promise_at ?? "").localeCompare(b.promise_at ?? "")
}

let onScreen: QueueTab = "to_pick"
export function watching(tab: QueueTab): void {
  onScreen = tab
}

// Events come in bursts (a re-sourced order moves several); one question answers them all.
let soon: ReturnType<typeof setTimeout> | undefined
function askSoon(): void {
  clearTimeout(soon)
  soon = setTimeout(() => {
    if (!queue.store || session.me === null) return
    void refresh("to_pick", { move: false })
    if (onScreen !== "to_pick") void refresh(onScreen, { move: false })
  }, 250)
}

listen({
  moved: ({ fulfilment_id: id, state }) => {
    if (id && state) queue.movedTo.set(id, state)
    askSoon()
  },
  back: () => askSoon(),
})
