import type { LineInput, ScannedArticle, StoreCard } from "@duoline/client"
import { computed, reactive, watch } from "vue"
import { recall, remember } from "./memory"

/** What was scanned in a shop and is paid there: apart from the cart, and about one shop only. */
export interface BagLine {
  article: ScannedArticle
  quantity: number
}
interface Bag {
  store: StoreCard | null
  lines: BagLine[]
}

const PIECES_MAX = 99
export const bag = reactive<Bag>(recall<Bag>("bag") ?? { store: null, lines: [] })
watch(bag, () => remember("bag", bag))

export const bagPieces = computed(() => bag.lines.reduce((sum, line) => sum + line.quantity, 0))

/** One more of an article; how many are in the bag now. The latest scan stands first. */
export function putInBag(article: ScannedArticle): number {
  const before = bag.lines.find((line) => line.article.sku_id === article.sku_id)?.quantity ?? 0
  const quantity = Math.min(PIECES_MAX, before + 1)
  bag.lines = [{ article, quantity }, ...bag.lines.filter((line) => line.article.sku_id !== article.sku_id)]
  return quantity
}

export function setBagQuantity(skuId: string, quantity: number): void {
  if (quantity <= 0) bag.lines = bag.lines.filter((line) => line.article.sku_id !== skuId)
  else for (const line of bag.lines) if (line.article.sku_id === skuId) line.quantity = quantity
}

export function clearBag(): void {
  bag.lines = []
}

export const bagLines = (): LineInput[] =>
  bag.lines.map((line) => ({ sku_id: line.article.sku_id, quantity: line.quantity, method: "pickup", store_code: bag.store?.code ?? null }))
