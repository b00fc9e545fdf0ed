import { Intention, type ParkedSale } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { clearSale, sale } from "./sale"
import { storeCode } from "./session"

const intention = new Intention()

/** Puts what is on the till aside for any clerk of the shop. Paper coupons are not put aside: they have to be shown again. */
export async function parkSale(note: string): Promise<ParkedSale> {
  const phone = sale.phone.replace(/[\s-]/g, "")
  const lines = sale.lines.map(({ sku_id, quantity }) => ({ sku_id, quantity }))
  const body = { store: storeCode.value, lines, ...(phone && { phone }), note, coupons: sale.coupons.length }
  const done = await intention.run(body, (key) => clerk.park(body, key))
  clearSale()
  return done
}
