import type { LiveSku, Product, Sku } from "@duoline/client"

export type Choice = Record<string, string>
export type ValueState = "ok" | "elsewhere" | "sold_out" | "never"

export function skuOf(product: Product, choice: Choice): Sku | null {
  if (product.options.some((option) => !choice[option.key])) return null
  return product.skus.find((sku) => product.options.every((option) => sku.options[option.key] === choice[option.key])) ?? null
}

/** What is chosen at first: the only variant, else the first one in stock where the member is, then online, then any. */
export function firstChoice(product: Product, live: LiveSku[]): Choice {
  const of = (sku: Sku) => live.find((one) => one.sku_id === sku.id)
  const best =
    product.skus.find((sku) => (of(sku)?.store_available ?? 0) > 0) ??
    product.skus.find((sku) => (of(sku)?.online_available ?? 0) > 0) ??
    product.skus[0]
  return { ...best?.options }
}

/** Choosing a value that does not exist beside the others moves the others to the nearest variant that has it. */
export function choose(product: Product, choice: Choice, key: string, value: string): Choice {
  const wanted = { ...choice, [key]: value }
  if (skuOf(product, wanted)) return wanted
  const having = product.skus.filter((sku) => sku.options[key] === value)
  const likeness = (sku: Sku) => product.options.filter((option) => sku.options[option.key] === wanted[option.key]).length
  const nearest = [...having].sort((a, b) => likeness(b) - likeness(a))[0]
  return nearest ? { ...nearest.options } : wanted
}

/** How a value stands beside the other chosen values: to be had, online only, sold out, or never made so. */
export function valueState(product: Product, live: LiveSku[], choice: Choice, key: string, value: string): ValueState {
  const sku = skuOf(product, { ...choice, [key]: value })
  if (!sku) return "never"
  const now = live.find((one) => one.sku_id === sku.id)
  if (!now) return "sold_out"
  if ((now.store_available ?? 0) > 0 || now.store_available === null)
    return now.online_available > 0 || now.store_available ? "ok" : "sold_out"
  return now.online_available > 0 ? "elsewhere" : "sold_out"
}
