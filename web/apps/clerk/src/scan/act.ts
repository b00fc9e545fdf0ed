import { Intention, type StockLine } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { keepCode } from "../state/codes"
import { patiently } from "../state/patience"
import { storeCode } from "../state/session"

export type Meaning =
  | { kind: "pickup"; id: string }
  | { kind: "order"; id: string; orderNo: string }
  | { kind: "product"; sku: StockLine }
  | { kind: "unknown" }

/** Two codes that differ only by leading zeros name one article (UPC-A inside EAN-13 inside GTIN-14). */
export function sameGtin(one: string | null, other: string | null): boolean {
  if (!one || !other || !/^\d+$/.test(one) || !/^\d+$/.test(other)) return false
  return one.replace(/^0+/, "") === other.replace(/^0+/, "")
}

const intention = new Intention()

/** Asks what a reading means here. A pickup code is kept for the hand-over it opens. */
export async function ask(text: string): Promise<Meaning> {
  const body = { text: text.trim(), store: storeCode.value }
  const { kind, fulfilment_id: id, sku_id: sku, order_no: orderNo } = await patiently(() => intention.run(body, (key) => clerk.scan(body.text, body.store, key)))
  if (kind === "pickup" && id) {
    keepCode(id, body.text)
    return { kind, id }
  }
  if (kind === "order" && id) return { kind, id, orderNo: orderNo ?? "" }
  if (kind === "product" && sku) {
    const { items } = await clerk.stock({ store: body.store, sku })
    if (items[0]) return { kind, sku: items[0] }
  }
  return { kind: "unknown" }
}
