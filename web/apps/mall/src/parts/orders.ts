import type { Fulfilment, OfferShare, Order, OrderState } from "@duoline/client"
import type { IconName } from "@duoline/ui"

type Tone = "good" | "warn" | "bad" | "shop" | "online" | "quiet"

const LOOKS: Record<OrderState, { tone: Tone; icon: IconName }> = {
  awaiting_payment: { tone: "warn", icon: "clock" },
  booked: { tone: "shop", icon: "clock" },
  preparing: { tone: "quiet", icon: "box" },
  ready: { tone: "shop", icon: "bag" },
  on_the_way: { tone: "online", icon: "truck" },
  completed: { tone: "good", icon: "check" },
  cancelled: { tone: "quiet", icon: "close" },
  expired: { tone: "quiet", icon: "clock" },
  needs_answer: { tone: "warn", icon: "alert" },
  needs_person: { tone: "warn", icon: "search" },
}

export const lookOf = (state: OrderState): { tone: Tone; icon: IconName } => LOOKS[state] ?? LOOKS.preparing

/** The hand-over the member has to do something about: the one ready at a shop before any other. */
export function readyPickup(order: Order): Fulfilment | null {
  return order.fulfilments.find((one) => one.kind === "pickup" && one.state === "ready") ?? null
}

export function openPickup(order: Order): Fulfilment | null {
  return order.fulfilments.find((one) => one.kind === "pickup" && (one.state === "to_pick" || one.state === "waiting")) ?? null
}

export function openShipment(order: Order): Fulfilment | null {
  return (
    order.fulfilments.find(
      (one) => one.kind === "ship" && !["delivered", "cancelled", "rejected", "handed_over", "uncollected"].includes(one.state),
    ) ?? null
  )
}

/** What another shop packs for the shop where it is collected, or what is on its way there. */
export function openBring(order: Order): Fulfilment | null {
  return order.fulfilments.find((one) => one.kind === "transfer" && ["waiting", "to_pick", "ready", "shipped"].includes(one.state)) ?? null
}

/** Units of a line that can still be cancelled. */
export const stillOpen = (line: Order["lines"][number]) => Math.max(0, line.quantity - line.handed - line.cancelled)

/** What each promotion took off an order, by its name, the most first. */
export function takenOff(order: Order): OfferShare[] {
  const found = new Map<string, OfferShare>()
  for (const { name, amount } of order.lines.flatMap((line) => line.offers)) {
    const key = JSON.stringify(name)
    found.set(key, { name, amount: { ...amount, minor: amount.minor + (found.get(key)?.amount.minor ?? 0) } })
  }
  return [...found.values()].sort((one, other) => other.amount.minor - one.amount.minor)
}
