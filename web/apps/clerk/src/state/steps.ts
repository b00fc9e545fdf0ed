import { asProblem, Intention, type Card } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { t } from "@duoline/i18n"
import { problemText, toast, undoable } from "@duoline/ui"
import { reactive } from "vue"
import { whoOf } from "../parts/words"
import { listen } from "./live"
import { patiently } from "./patience"
import { place } from "./queue"
import { expired } from "./session"
import { signal } from "./signal"
import { forgetTicks } from "./ticks"

/**
 * The steps that can be taken from the list as well as from the order's own page. Each order has one intention a step,
 * so that pressing again after a lost answer repeats the same one.
 */
export const steps = reactive({ busy: new Set<string>(), errors: new Map<string, unknown>() })

// The shop's own news tell that a step went through whose answer was lost.
listen({
  moved: ({ fulfilment_id: id }) => {
    if (id && asProblem(steps.errors.get(id)).status === 0) steps.errors.delete(id)
  },
})

const intentions = new Map<string, Intention>()
function intentionOf(step: string, id: string): Intention {
  const name = `${step} ${id}`
  let intention = intentions.get(name)
  if (!intention) intentions.set(name, (intention = new Intention()))
  return intention
}

/** The offer to undo ends with the next step. */
let takeAway = () => {}

async function take(id: string, act: () => Promise<Card>): Promise<Card | null> {
  steps.busy.add(id)
  steps.errors.delete(id)
  try {
    const card = await patiently(act)
    place(card)
    return card
  } catch (error) {
    if (!expired(error)) steps.errors.set(id, error)
    signal("refused")
    return null
  } finally {
    steps.busy.delete(id)
  }
}

export async function markReady(card: Card): Promise<Card | null> {
  const { id } = card
  const ready = await take(id, () => intentionOf("ready", id).run(null, (key) => clerk.markReady(id, key)))
  if (!ready) return null
  signal("done")
  takeAway()
  takeAway = undoable(t(card.kind === "pickup" ? "work.ready_toast" : card.kind === "ship" ? "work.packed_toast" : "work.boxed_toast", { who: whoOf(card) }), () => void undoReady(ready))
  return ready
}

export async function undoReady(card: Card): Promise<Card | null> {
  const { id } = card
  const back = await take(id, () => intentionOf("unready", id).run(null, (key) => clerk.undoReady(id, key)))
  if (back) toast({ text: t(card.to ? "work.undone_box" : "work.undone_toast", { who: whoOf(card) }) })
  else toast({ text: problemText(steps.errors.get(id)), tone: "bad", action: { label: t("ui.retry"), run: () => void undoReady(card) }, seconds: 10 })
  return back
}

export async function ship(card: Card, parcel: { carrier: string; tracking_no: string }): Promise<Card | null> {
  takeAway()
  const shipped = await take(card.id, () => intentionOf("ship", card.id).run(parcel, (key) => clerk.ship(card.id, parcel, key)))
  if (shipped) {
    signal("done")
    forgetTicks(card.id)
  }
  return shipped
}

/** The box leaves for the shop where it is collected: on its way in the transfers of both. */
export async function sendToShop(card: Card): Promise<Card | null> {
  takeAway()
  const sent = await take(card.id, () => intentionOf("send", card.id).run(null, (key) => clerk.sendToShop(card.id, key)))
  if (!sent) return null
  signal("done")
  forgetTicks(card.id)
  toast({ text: t("work.sent_toast", { who: whoOf(card) }), tone: "good" })
  return sent
}

export async function delivered(card: Card): Promise<Card | null> {
  return take(card.id, () => intentionOf("deliver", card.id).run(null, (key) => clerk.delivered(card.id, key)))
}
