import type { ProductOffer } from "@duoline/client"
import { mall } from "@duoline/client/mall"
import { computed, onMounted, shallowReactive, watch, type ComputedRef } from "vue"
import { shopCode } from "./shop"

const AT_ONCE = 60
const GATHER_MS = 60 // the tiles of a page come within a few frames and are asked about together
const FRESH_MS = 30_000
const KEPT_MAX = 600

/** Price tags by shop and product. Null for a product that has none. */
const known = shallowReactive(new Map<string, { offer: ProductOffer | null; at: number }>())
const wanted = new Map<string, { near: string | undefined; code: string }>()
let timer: ReturnType<typeof setTimeout> | undefined

const keyOf = (near: string | undefined, code: string) => `${near ?? ""} ${code}`

function want(near: string | undefined, code: string): void {
  wanted.set(keyOf(near, code), { near, code })
  timer ??= setTimeout(() => {
    timer = undefined
    const asked = [...wanted.values()]
    wanted.clear()
    for (const shop of new Set(asked.map((one) => one.near))) void ask(shop, asked.filter((one) => one.near === shop).map((one) => one.code))
  }, GATHER_MS)
}

/** A tag that does not come is missing, nothing more: the page shows the price without offers. */
async function ask(near: string | undefined, codes: string[]): Promise<void> {
  if (known.size > KEPT_MAX) known.clear()
  for (let from = 0; from < codes.length; from += AT_ONCE) {
    const part = codes.slice(from, from + AT_ONCE)
    const answer = await mall.offers(part, near).catch(() => null)
    if (!answer) continue
    const found = new Map(answer.items.map((one) => [one.product_code, one]))
    for (const code of part) known.set(keyOf(near, code), { offer: found.get(code) ?? null, at: Date.now() })
  }
}

/**
 * What a product costs with offers; undefined until it is known. Asked once the product is on the page, and again
 * whenever the product itself was read again: that is how a page hears that prices have changed.
 */
export function useTag(product: () => { code: string } | null | undefined, near: () => string | undefined = shopCode): ComputedRef<ProductOffer | null | undefined> {
  const key = computed(() => keyOf(near(), product()?.code ?? ""))
  function ask() {
    const one = product()
    if (one) want(near(), one.code)
  }
  onMounted(() => {
    const had = known.get(key.value)
    if (!had || Date.now() - had.at > FRESH_MS) ask()
  })
  watch([product, near], ask)
  return computed(() => known.get(key.value)?.offer)
}
