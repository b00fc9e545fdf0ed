import type { Gift, GiftOption, GiftWord, Quote } from "@duoline/client"
import { reactive } from "vue"

/** What the buyer has said to gifts in this visit, by promotion: an article, or none. Who says nothing gets what there is. */
const said = reactive<Record<string, string | null>>({})

export function choose(gift: Gift, sku_id: string | null) {
  said[gift.promotion_id] = sku_id
}
export const giftChoices = (): GiftWord[] => Object.entries(said).map(([promotion_id, sku_id]) => ({ promotion_id, sku_id, quantity: 0 }))

/** The gifts of a quote as they were shown: what an order says to them. */
export const giftsShown = (quote: Quote): GiftWord[] => quote.gifts.map(({ promotion_id, sku_id, quantity }) => ({ promotion_id, sku_id, quantity }))

/** A gift under what was said since it was quoted. */
export function asSaid(gift: Gift): Gift {
  const word = said[gift.promotion_id]
  if (word === undefined) return gift
  if (word === null) return { ...gift, sku_id: null, quantity: 0, declined: true, short: false }
  const option = gift.options.find((one) => one.sku_id === word)
  if (!option) return gift
  const quantity = Math.min(gift.due, option.available)
  return { ...gift, sku_id: quantity ? word : null, quantity, declined: false, short: quantity < gift.due }
}
export const optionOf = (gift: Gift): GiftOption | null => gift.options.find((one) => one.sku_id === gift.sku_id) ?? null
