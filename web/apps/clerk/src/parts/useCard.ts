import { asProblem, type CardPage } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { onBeforeUnmount, ref, shallowRef, type Ref, type ShallowRef } from "vue"
import { listen, noticeOffline } from "../state/live"
import { knownCard, queue } from "../state/queue"
import { expired } from "../state/session"

type Shown = Omit<CardPage, "timeline" | "sourcing"> & Partial<Pick<CardPage, "timeline" | "sourcing">>

/** One order's page: at once from the list, then from the server, and again whenever somebody else moves it. */
export function useCard(id: string): { card: ShallowRef<Shown | null>; error: Ref<unknown>; load: () => Promise<void>; take: (card: Shown) => void } {
  const card = shallowRef<Shown | null>(knownCard(id))
  const error = ref<unknown>(null)
  queue.fresh.delete(id)

  async function load() {
    try {
      card.value = await clerk.fulfilment(id)
      error.value = null
    } catch (caught) {
      if (expired(caught)) return
      const offline = asProblem(caught).status === 0
      if (offline) noticeOffline()
      error.value = offline && card.value ? null : caught // what is kept can be worked with; the bar on top speaks
    }
  }
  function take(next: Shown) {
    const { timeline, sourcing } = card.value ?? {}
    card.value = { ...(timeline && { timeline }), ...(sourcing !== undefined && { sourcing }), ...next }
    void load()
  }
  const stop = listen({ moved: (what) => (!what.fulfilment_id || what.fulfilment_id === id) && void load(), back: () => void load() })
  onBeforeUnmount(stop)
  void load()
  return { card, error, load, take }
}
