import type { Money, Order, SaleReceipt, Text } from "@duoline/client"
import { session, store } from "../state/session"

/** What stands on a receipt, of a sale just made or one found again. */
export interface Slip extends Pick<SaleReceipt, "order_no" | "sold_at" | "lines" | "discount" | "total" | "refunded" | "paid" | "phone_masked"> {
  store_name: Text | undefined
  store_address: Text | undefined
  seller: string
}

const none = (like: Money): Money => ({ ...like, minor: 0 })

/** Of a sale just made here, by whoever is logged in. */
export function slipOf(order: Order): Slip {
  return {
    order_no: order.order_no,
    sold_at: order.placed_at,
    lines: order.lines,
    discount: order.discount,
    total: order.total,
    refunded: none(order.total),
    paid: [],
    phone_masked: "",
    store_name: store.value?.name,
    store_address: store.value?.address,
    seller: session.me?.name ?? "",
  }
}
