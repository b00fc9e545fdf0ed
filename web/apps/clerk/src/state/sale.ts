import type { Image, Money, OptionText, StockLine, Text } from "@duoline/client"
import { clerk } from "@duoline/client/clerk"
import { computed, reactive, watch } from "vue"
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

/** The sale being rung up. It survives a reload. */
export const sale = reactive({ lines: recall<SaleLine[]>("sale", []), phone: "" })
watch(sale, () => remember("sale", sale.lines.length ? sale.lines : null), { deep: true })

export const total = computed<Money>(() => ({
  minor: sale.lines.reduce((sum, line) => sum + line.price.minor * line.quantity, 0),
  currency: sale.lines[0]?.price.currency ?? "CNY",
}))
export const saleCount = computed(() => sale.lines.reduce((sum, line) => sum + line.quantity, 0))

/** One more of an article; null when it has no price here and so cannot be sold. */
export function addToSale(sku: StockLine): SaleLine | null {
  const { sku_id, sku_code, name, options, image, price } = sku
  if (!price) return null
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

/** Ask what the articles of the sale cost now, all of them or one. */
export async function askPrices(store: string, skuId?: string | null): Promise<boolean> {
  const asked = sale.lines.filter((line) => !skuId || line.sku_id === skuId)
  const found = await Promise.all(asked.map(({ sku_id }) => clerk.stock({ store, sku: sku_id, limit: 1 }).catch(() => null)))
  return reprice(found.flatMap((page) => page?.items ?? []).flatMap(({ sku_id, price }) => (price ? [{ sku_id, price }] : [])))
}

export function clearSale(): void {
  sale.lines = []
  sale.phone = ""
}
