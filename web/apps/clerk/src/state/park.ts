import { Intention, type ParkedSale } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { stillTheirs, type SaleMember } from "./cards"
import { recall, remember } from "./memory"
import { clearSale, sale } from "./sale"
import { storeCode } from "./session"

const intention = new Intention()

const parkedMembers = () => Object.fromEntries(Object.entries(recall<Record<string, SaleMember>>("parked.members", {})).filter(([, one]) => stillTheirs(one)))
/** The member by whose card a basket was put aside on this till; null once the pass has run out. */
export const memberOfParked = (id: string): SaleMember | null => parkedMembers()[id] ?? null

/** Puts what is on the till aside for any clerk of the shop. Paper coupons are not put aside: they have to be shown again. */
export async function parkSale(note: string): Promise<ParkedSale> {
  const phone = sale.phone.replace(/[\s-]/g, "")
  const lines = sale.lines.map(({ sku_id, quantity }) => ({ sku_id, quantity }))
  const body = { store: storeCode.value, lines, ...(phone && { phone }), note, coupons: sale.coupons.length }
  const theirs = sale.member
  const done = await intention.run(body, (key) => clerk.park(body, key))
  // Whose it is by a card is known to this till alone, as long as the card's pass holds.
  if (theirs) remember("parked.members", { ...parkedMembers(), [done.id]: theirs })
  clearSale()
  return done
}
