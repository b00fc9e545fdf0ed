import { pick, t } from "@duoline/i18n"
import type { Assortment, Named } from "../api/types"

type Said = Pick<Assortment, "kind" | "products" | "categories" | "brands" | "stores" | "regions">

export const goodsOf = (one: Said): Named[] => [...one.categories, ...one.brands, ...one.products]
export const placesOf = (one: Said): Named[] => [...one.regions, ...one.stores]
const words = (named: Named[]): string => named.map((one) => pick(one.name)).join(t("assortment.or"))

/** What an assortment says, in a sentence; null while it names no goods or no places. */
export function assortmentWords(one: Said): string | null {
  const goods = goodsOf(one)
  const places = placesOf(one)
  return goods.length && places.length ? t(`assortment.${one.kind}_words`, { goods: words(goods), places: words(places) }) : null
}
