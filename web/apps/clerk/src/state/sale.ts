import { asProblem, type GiftWord, type Image, type Money, type OptionText, type StockLine, type Text, type TillQuote } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { computed, reactive, shallowRef, watch } from "vue"
import { isCoupon, tidyCoupon } from "../scan/coupon"
import { stillTheirs, type SaleMember } from "./cards"
import { recall, remember } from "./memory"

export interface SaleLine {
  sku_id: string
  sku_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  price: Money
  quantity: number
  available: number
}

/** The sale being rung up. It survives a reload. `gifts` are what was said to gifts by promotion: an article, or none. */
export const sale = reactive({
  lines: recall<SaleLine[]>("sale", []),
  phone: "",
  /** Kept with the lines, and never without any, as long as what the card gave holds. */
  member: recall<SaleLine[]>("sale", []).length ? stillTheirs(recall<SaleMember | null>("sale.member", null)) : null,
  coupons: [] as string[],
  gifts: {} as Record<string, string | null>,
})
watch(
  sale,
  () => {
    remember("sale", sale.lines.length ? sale.lines : null)
    remember("sale.member", sale.lines.length ? sale.member : null)
  },
  { deep: true },
)

const plain = computed<Money>(() => ({
  minor: sale.lines.reduce((sum, line) => sum + line.price.minor * line.quantity, 0),
  currency: sale.lines[0]?.price.currency ?? "CNY",
}))
const phone = computed(() => sale.phone.replace(/[\s-]/g, ""))
export const phoneFine = computed(() => !sale.phone || /^\+?\d{6,15}$/.test(phone.value))
/** Whose sale it is, as the server is told: by a card that was read, or by a phone number. */
export const whose = () => (sale.member ? { card: sale.member.card } : phone.value ? { phone: phone.value } : {})
/** What is rung up and for whom, in one word: a quote is for exactly that. */
export const rungUp = computed(() => JSON.stringify([sale.lines.map(({ sku_id, quantity }) => [sku_id, quantity]), whose(), sale.coupons, sale.gifts]))
const answered = shallowRef<{ of: string; quote: TillQuote } | null>(null)
/** What the house asks for this very basket, offers taken off; null until it has said so. */
export const quote = computed(() => (answered.value?.of === rungUp.value ? answered.value.quote : null))
export const total = computed<Money>(() => quote.value?.total ?? plain.value)
export const quoted = (skuId: string) => quote.value?.lines.find((line) => !line.gift && line.sku_id === skuId)
export const saleCount = computed(() => sale.lines.reduce((sum, line) => sum + line.quantity, 0))

/** One more of an article; null when it has no price here, or the shop may not sell it. */
export function addToSale(sku: StockLine): SaleLine | null {
  const { sku_id, sku_code, name, options, image, price } = sku
  if (!price || !sku.sold_here) return null
  let line = sale.lines.find((one) => one.sku_id === sku.sku_id)
  if (line) {
    line.quantity += 1
    line.available = sku.here.available
    line.price = price
    return line
  }
  sale.lines.unshift({ sku_id, sku_code, name, options, image, price, quantity: 1, available: sku.here.available })
  line = sale.lines[0] as SaleLine
  return line
}

/** New prices for what is being rung up; whether any is another than was shown. */
export function reprice(prices: readonly { sku_id: string; price: Money }[]): boolean {
  let changed = false
  for (const { sku_id, price } of prices) {
    const line = sale.lines.find((one) => one.sku_id === sku_id)
    if (!line || line.price.minor === price.minor) continue
    line.price = price
    changed = true
  }
  return changed
}

/** Ask what the sale costs now; whether that is another total than was shown for the same basket. */
export async function askQuote(store: string): Promise<boolean> {
  const of = rungUp.value
  const before = quote.value?.total.minor
  const lines = sale.lines.map(({ sku_id, quantity }) => ({ sku_id, quantity }))
  const coupons = [...sale.coupons]
  const gifts = Object.entries(sale.gifts).map(([promotion_id, sku_id]) => ({ promotion_id, sku_id, quantity: 0 }))
  const asked = await clerk.quoteSale({ store, lines, ...whose(), ...(coupons.length && { coupon_codes: coupons }), gifts })
  if (of !== rungUp.value) return false
  answered.value = { of, quote: asked }
  if (sale.member?.seenAt) delete sale.member.seenAt // the server has taken the card's pass: it is theirs
  reprice(asked.lines.filter((line) => !line.gift).map(({ sku_id, unit_price }) => ({ sku_id, price: unit_price })))
  return before !== undefined && before !== asked.total.minor
}

const COUPONS_MAX = 20

/** A coupon on paper goes with the sale; `unlike` when the text can be none. */
export function showCoupon(text: string): "shown" | "twice" | "unlike" {
  if (!isCoupon(text)) return "unlike"
  const code = tidyCoupon(text)
  if (sale.coupons.includes(code) || sale.coupons.length >= COUPONS_MAX) return "twice"
  sale.coupons = [...sale.coupons, code]
  return "shown"
}

/** Whether this is a refusal of a paper coupon. */
export const isCouponRefusal = (error: unknown): boolean => ["coupons.no-such-code", "coupons.taken"].includes(asProblem(error).code)

/** A refusal does not say which of several coupons it means, so each is asked about by itself. Takes those off that are refused. */
export async function dropRefusedCoupons(store: string, first: unknown): Promise<unknown> {
  const lines = sale.lines.map(({ sku_id, quantity }) => ({ sku_id, quantity }))
  if (sale.coupons.length < 2) {
    sale.coupons = []
    return first
  }
  let last = first
  for (const code of [...sale.coupons]) {
    try {
      await clerk.quoteSale({ store, lines, coupon_codes: [code] })
    } catch (error) {
      if (!isCouponRefusal(error)) throw error
      last = error
      sale.coupons = sale.coupons.filter((one) => one !== code)
    }
  }
  return last
}

/** The gifts as they were shown: what a sale says to them. */
export const giftsShown = computed<GiftWord[]>(() => (quote.value?.gifts ?? []).map(({ promotion_id, sku_id, quantity }) => ({ promotion_id, sku_id, quantity })))

export function clearSale(): void {
  sale.lines = []
  sale.gifts = {}
  sale.phone = ""
  sale.member = null
  sale.coupons = []
}
