import type { TransferCounts } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { computed, reactive } from "vue"
import { listen } from "./live"
import { may, session } from "./session"

/** What is open between this shop and others, for the badge; the lists are the pages' own. */
export const transfers = reactive({
  store: "",
  counts: { incoming: 0, outgoing: 0, to_receive: 0, to_decide: 0, to_send: 0 } as TransferCounts,
})

/** What waits for somebody at this shop; a clerk cannot answer a request, so it does not call them. */
export const dueTransfers = computed(() => transfers.counts.to_receive + transfers.counts.to_send + (may("transfers.decide") ? transfers.counts.to_decide : 0))

export function openTransfers(code: string): void {
  if (transfers.store === code) return
  transfers.store = code
  transfers.counts = { incoming: 0, outgoing: 0, to_receive: 0, to_decide: 0, to_send: 0 }
  void count()
}

async function count(): Promise<void> {
  const code = transfers.store
  if (!code || session.me === null || !may("transfers")) return
  const answer = await clerk.transfers({ store: code, side: "in", which: "open", limit: 1 }).catch(() => null) // the badge waits for the next news
  if (answer && transfers.store === code) transfers.counts = answer.counts
}

let soon: ReturnType<typeof setTimeout> | undefined
function countSoon(): void {
  clearTimeout(soon)
  soon = setTimeout(() => void count(), 250)
}
listen({ transfer: countSoon, back: countSoon })
