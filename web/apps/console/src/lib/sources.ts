import type { StoreCard, Text } from "@duoline/client"
import { pick } from "@duoline/i18n"
import { get, list, at } from "../api"
import type { Brand, CategoryRow, Company, ProductRow, Region, StockRow } from "../api/types"
import { searchShops, shopNamed } from "./shops"

export interface Choice {
  value: string
  label: string
  hint?: string
  depth?: number
  data?: unknown
}

/** Where the choices of a `Combobox` come from. `find("")` gives the first ones. */
export interface ChoiceSource {
  find: (q: string) => Promise<Choice[]>
  named: (value: string) => Promise<Choice | null>
}

interface Coded {
  id: string
  code: string
  name: Text
}

const choiceOf = (one: Coded, by: "code" | "id"): Choice => ({ value: one[by], label: pick(one.name), hint: one.code, data: one })

/** Shops and warehouses in reach; a chain may have thousands, so only the first that fit are shown. */
export function shopSource(by: "code" | "id" = "code", fits: (shop: StoreCard) => boolean = () => true): ChoiceSource {
  return {
    find: async (q) => (await searchShops(q)).filter(fits).slice(0, 50).map((shop) => choiceOf(shop, by)),
    named: async (value) => {
      const shop = await shopNamed(value)
      return shop ? choiceOf(shop, by) : null
    },
  }
}

/** SKUs by name, code or barcode. */
export function skuSource(): ChoiceSource {
  const choice = (row: StockRow): Choice => ({
    value: row.sku_id,
    label: [pick(row.name), ...row.options.map((option) => pick(option.value))].join(" \u00b7 "),
    hint: row.sku_code,
    data: row,
  })
  return {
    find: async (q) => {
      const rows = (await list<StockRow>("stock", { q, limit: 60 })).items
      const once = new Map(rows.map((row) => [row.sku_id, row]))
      return [...once.values()].slice(0, 30).map(choice)
    },
    named: async (value) => {
      const found = await get<{ sku: StockRow }>(`stock/${at(value)}`)
      return choice(found.sku)
    },
  }
}

/** Products by name or code; a product is named by its code. */
export function productSource(): ChoiceSource {
  const choice = (row: ProductRow): Choice => ({ value: row.code, label: pick(row.name), hint: row.code, data: row })
  const found = async (q: string, limit: number) => (await list<ProductRow>("products", { q, limit })).items
  return {
    find: async (q) => (await found(q, 30)).map(choice),
    named: async (value) => {
      const row = (await found(value, 5)).find((one) => one.code === value)
      return row ? choice(row) : null
    },
  }
}

/** A whole list that is small enough to have at hand; asked for once a page. */
function whole<T extends Coded>(path: string, by: "code" | "id", tree?: (all: T[]) => Choice[]): ChoiceSource & { all: () => Promise<T[]> } {
  let asked: Promise<T[]> | null = null
  const all = () =>
    (asked ??= everything<T>(path).catch((error: unknown) => {
      asked = null
      throw error
    }))
  const choices = async () => {
    const found = await all()
    return tree ? tree(found) : found.map((one) => choiceOf(one, by))
  }
  return {
    all,
    find: async (q) => {
      const words = q.toLowerCase()
      const found = await choices()
      return words ? found.filter((choice) => `${choice.label} ${choice.hint ?? ""}`.toLowerCase().includes(words)).map((choice) => ({ ...choice, depth: 0 })) : found
    },
    named: async (value) => (await choices()).find((choice) => choice.value === value) ?? null,
  }
}

export async function everything<T>(path: string, query: Record<string, string> = {}): Promise<T[]> {
  const found: T[] = []
  let cursor: string | null = ""
  while (cursor !== null) {
    const page: { items: T[]; next?: string | null } = await list<T>(path, { ...query, limit: 100, cursor })
    found.push(...page.items)
    cursor = page.next ?? null
  }
  return found
}

/** Parents before children, each with its depth. */
export function inTree<T extends { code: string; parent_code: string | null }>(all: readonly T[]): { one: T; depth: number }[] {
  const below = new Map<string | null, T[]>()
  const codes = new Set(all.map((one) => one.code))
  for (const one of all) {
    const parent = one.parent_code !== null && codes.has(one.parent_code) ? one.parent_code : null
    below.set(parent, [...(below.get(parent) ?? []), one])
  }
  const walk = (parent: string | null, depth: number): { one: T; depth: number }[] =>
    (below.get(parent) ?? []).flatMap((one) => [{ one, depth }, ...walk(one.code, depth + 1)])
  return walk(null, 0)
}

const treeChoices =
  (by: "code" | "id") =>
  <T extends Coded & { parent_code: string | null }>(all: T[]): Choice[] =>
    inTree(all).map(({ one, depth }) => ({ ...choiceOf(one, by), depth }))

export const regionSource = (by: "code" | "id" = "code") => whole<Region>("regions", by, treeChoices(by))
export const companySource = (by: "code" | "id" = "code") => whole<Company>("companies", by)
export const brandSource = () => whole<Brand>("brands", "code")
export const categorySource = () => whole<CategoryRow>("categories", "code", treeChoices("code"))
