import type { Money, Order, Text, TimelineEvent } from "@duoline/client"

interface Words {
  t: (key: string, named?: Record<string, unknown>) => string
  money: (value: Money) => string
  pick: (text: Text) => string
  carrierName: (code: string) => string
}

/** Kinds of the order's story that the member is told; others are the shop's own business and stay untold. */
const TOLD: Record<string, string> = {
  placed: "story.placed",
  sold: "story.sold",
  rung_up: "story.rung_up",
  paid: "story.paid",
  paid_late: "story.paid_late",
  payment_misfit: "story.payment_misfit",
  deposit_paid: "story.deposit_paid",
  balance_open: "story.balance_open",
  balance_started: "story.balance_started",
  balance_lapsed: "story.balance_lapsed",
  balance_untaken: "story.balance_untaken",
  preorder_taken: "story.preorder_taken",
  balance_unpaid: "story.balance_unpaid",
  presale_withdrawn: "story.presale_withdrawn",
  forfeited: "story.forfeited",
  expired: "story.expired",
  sent_to_shop: "story.sent_to_shop",
  arrived: "story.arrived",
  ready: "story.ready",
  unready: "story.unready",
  reminded: "story.reminded",
  rejected: "story.rejected",
  resourced: "story.resourced",
  replanned: "story.replanned",
  asks_member: "story.asks_member",
  frozen: "story.frozen",
  sold_out: "story.sold_out",
  handed_over: "story.handed_over",
  partly_handed_over: "story.handed_over",
  shipped: "story.shipped",
  delivered: "story.delivered",
  uncollected: "story.uncollected",
  cancelled: "story.cancelled",
  returned: "story.returned",
  coupon_back: "story.coupon_back",
  refund_requested: "story.refund_requested",
  refunded: "story.refunded",
}

/** Steps on the way to the shop where it is collected. */
const BROUGHT = new Set(["sent_to_shop", "arrived"])

export function say(event: TimelineEvent, order: Order, { t, money, pick, carrierName }: Words): string | null {
  const { data } = event
  if (event.kind === "answered")
    return t(data["choice"] === "refund" ? "story.answered_refund" : "story.answered_move", {
      store: storeName(data["location_code"], order, pick),
    })
  const key = TOLD[event.kind]
  if (!key) return null
  return t(key, {
    amount: typeof data["amount_minor"] === "number" ? money({ minor: data["amount_minor"], currency: order.total.currency }) : "",
    store: BROUGHT.has(event.kind) ? pick(order.fulfilments.find((one) => one.to)?.to?.name ?? { zh: "", en: "" }) : storeOf(data, order, pick),
    carrier: carrierName(String(data["carrier"] ?? "")),
    tracking_no: String(data["tracking_no"] ?? ""),
  })
}

function storeOf(data: Record<string, unknown>, order: Order, pick: Words["pick"]): string {
  const byJob = order.fulfilments.find((one) => one.id === data["fulfilment_id"])
  if (byJob) return pick(byJob.store.name)
  const codes = data["location_codes"]
  return storeName(data["location_code"] ?? (Array.isArray(codes) ? codes[0] : null), order, pick)
}

/** The shop's name where the order knows it; its code is better than nothing. */
function storeName(code: unknown, order: Order, pick: Words["pick"]): string {
  const known = order.fulfilments.find((one) => one.store.code === code)
  if (known) return pick(known.store.name)
  const back = order.returns.find((one) => one.store.code === code)
  if (back) return pick(back.store.name)
  if (typeof code === "string") return code
  const first = order.fulfilments[0]
  return first ? pick(first.store.name) : ""
}
