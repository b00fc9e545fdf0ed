import type { Image, Money, OptionText, StockLine, Text } from "@duoline/client"
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

export function clearSale(): void {
  sale.lines = []
  sale.phone = ""
}
