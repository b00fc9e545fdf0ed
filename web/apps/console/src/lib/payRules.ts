import { count, t } from "@duoline/i18n"
import type { AllocationRules, CommissionRules, Company, Contract } from "../api/types"
import { hundredthsOf, typedHundredths, wholeOf, type Faults } from "./typed"

/** Rules of commission and allocation as people write them: percent and yuan; the back end counts hundredths. */
export interface CommissionForm {
  guide_bp: string
  seller_bp: string
  referrer_bp: string
  second_bp: string
  levels: "1" | "2"
  several_roles: boolean
  mature_days: string
  month_cap_minor: string
  bringing_minor: string
  products: { code: string; percent: string }[]
  categories: { code: string; percent: string }[]
  /** Percent by tier; empty is 100. */
  tiers: Record<string, string>
}
export const RATES = ["guide_bp", "seller_bp", "referrer_bp", "second_bp"] as const
export const RATE_MAX_BP = 5_000
const CAP_MAX = 100_000_000
const BRINGING_MAX = 100_000
export const NO_COMMISSION: CommissionForm = { guide_bp: "", seller_bp: "", referrer_bp: "", second_bp: "", levels: "1", several_roles: false, mature_days: "", month_cap_minor: "", bringing_minor: "", products: [], categories: [], tiers: {} }

export const commissionForm = (body: CommissionRules): CommissionForm => ({
  guide_bp: typedHundredths(body.guide_bp),
  seller_bp: typedHundredths(body.seller_bp),
  referrer_bp: typedHundredths(body.referrer_bp),
  second_bp: typedHundredths(body.second_bp),
  levels: body.levels > 1 ? "2" : "1",
  several_roles: body.several_roles,
  mature_days: String(body.mature_days),
  month_cap_minor: typedHundredths(body.month_cap_minor),
  bringing_minor: typedHundredths(body.bringing_minor),
  products: body.products.map((one) => ({ code: one.product, percent: String(one.percent) })),
  categories: body.categories.map((one) => ({ code: one.category, percent: String(one.percent) })),
  tiers: Object.fromEntries(body.tiers.map((one) => [one.tier, String(one.percent)])),
})

export function commissionBody(form: CommissionForm): { body: CommissionRules; faults: Faults } {
  const faults: Faults = {}
  const times = (field: string, typed: string) => wholeOf(faults, field, typed, 0, 1000, t("offers.bad_whole", { low: 0, high: count(1000) }))
  const rows = (list: "products" | "categories") =>
    form[list].map((one, n) => {
      if (!one.code) faults[`${list}.${n}.code`] = t("field.missing")
      else if (form[list].findIndex((each) => each.code === one.code) < n) faults[`${list}.${n}.code`] = t("field.twice")
      return { code: one.code, percent: times(`${list}.${n}.percent`, one.percent) }
    })
  const rate = (field: (typeof RATES)[number]) => hundredthsOf(faults, field, form[field], RATE_MAX_BP, t("settle.bad_rate"))
  const body: CommissionRules = {
    guide_bp: rate("guide_bp"),
    seller_bp: rate("seller_bp"),
    referrer_bp: rate("referrer_bp"),
    second_bp: rate("second_bp"),
    levels: Number(form.levels),
    several_roles: form.several_roles,
    mature_days: wholeOf(faults, "mature_days", form.mature_days, 0, 365, t("offers.bad_whole", { low: 0, high: 365 })),
    month_cap_minor: hundredthsOf(faults, "month_cap_minor", form.month_cap_minor, CAP_MAX, t("settle.bad_yuan", { high: count(CAP_MAX / 100) })),
    bringing_minor: hundredthsOf(faults, "bringing_minor", form.bringing_minor, BRINGING_MAX, t("settle.bad_yuan", { high: count(BRINGING_MAX / 100) })),
    products: rows("products").map(({ code, percent }) => ({ product: code, percent })),
    categories: rows("categories").map(({ code, percent }) => ({ category: code, percent })),
    tiers: Object.entries(form.tiers)
      .filter(([, typed]) => typed.trim())
      .map(([tier, typed]) => ({ tier, percent: times(`tier.${tier}`, typed) })),
  }
  return { body, faults }
}

// ---- allocation
export const PARTS = ["bringer_store", "guide_store", "touchpoint_store", "territory", "ship_store", "hand_over_store", "online", "headquarters"] as const
export type Part = (typeof PARTS)[number]
/** Percentages of the margin, and what a shop gets for a new member in yuan. */
export type AllocationForm = Record<Part | "bringing_minor", string>
export const NO_ALLOCATION = { ...Object.fromEntries(PARTS.map((part) => [part, ""])), bringing_minor: "" } as AllocationForm
export const allocationForm = (body: AllocationRules): AllocationForm => ({ ...Object.fromEntries(PARTS.map((part) => [part, String(body[part])])), bringing_minor: typedHundredths(body.bringing_minor) }) as AllocationForm
export function allocationBody(form: AllocationForm): { body: AllocationRules; faults: Faults } {
  const faults: Faults = {}
  const body = Object.fromEntries(PARTS.map((part) => [part, wholeOf(faults, part, form[part], 0, 100, t("offers.bad_whole", { low: 0, high: 100 }))])) as unknown as AllocationRules
  body.bringing_minor = hundredthsOf(faults, "bringing_minor", form.bringing_minor, BRINGING_MAX, t("settle.bad_yuan", { high: count(BRINGING_MAX / 100) }))
  const most = PARTS.filter((part) => part !== "ship_store" && part !== "territory" && part !== "hand_over_store").reduce((sum, part) => sum + body[part], 0) + Math.max(body.ship_store + body.territory, body.hand_over_store)
  if (most > 100) faults["headquarters"] ??= t("settle.over_hundred", { n: most })
  return { body, faults }
}
/** Who gets what of 100 yuan: the goods' worth to their owner, the margin by percentages, the rest to the owner. */
export function sharesOfHundred(body: AllocationRules, goods: number, sent: boolean): { part: Part | "owner"; minor: number }[] {
  const margin = 100 - goods
  const parts = PARTS.filter((part) => (sent ? part !== "hand_over_store" : part !== "ship_store" && part !== "territory"))
  const given = parts.reduce((sum, part) => sum + body[part], 0)
  return [{ part: "owner" as const, minor: goods * 100 + margin * (100 - given) }, ...parts.map((part) => ({ part, minor: margin * body[part] }))].filter((one) => one.minor > 0)
}
export const LINE_OF = (part: Part | "owner"): "shop" | "online" | "own" => (part === "owner" ? "own" : part === "online" || part === "headquarters" ? "online" : "shop")

// ---- contracts
export interface ContractForm {
  contracts: ContractRow[]
}
export interface ContractBody {
  contracts: Contract[]
}
export const NO_CONTRACTS: ContractForm = { contracts: [] }
export const MODES = ["direct", "franchise", "all_franchise"] as const
export const SIDES = ["stock_owner", "price_right", "promo_payer"] as const
/** The terms that come with a mode. */
export const USUAL: Record<Contract["mode"], Omit<Contract, "company" | "regions">> = {
  direct: { mode: "direct", stock_owner: "chain", price_right: "chain", promo_payer: "chain", goods_percent: 60, price_floor_percent: 0, price_ceiling_percent: 0 },
  franchise: { mode: "franchise", stock_owner: "company", price_right: "chain", promo_payer: "chain", goods_percent: 60, price_floor_percent: 0, price_ceiling_percent: 0 },
  all_franchise: { mode: "all_franchise", stock_owner: "company", price_right: "company", promo_payer: "company", goods_percent: 60, price_floor_percent: 0, price_ceiling_percent: 0 },
}
/** What holds with a company that has no terms of its own. */
export const usualOf = (company: Company) => USUAL[company.kind === "franchisee" ? "franchise" : "direct"]
export type Side = Contract["price_right"]
/** A contract as it is typed: percentages as text. */
export type ContractRow = Omit<Contract, "goods_percent" | "price_floor_percent" | "price_ceiling_percent"> & Record<"goods_percent" | "price_floor_percent" | "price_ceiling_percent", string>
export const contractRow = (one: Contract): ContractRow => ({ ...one, goods_percent: String(one.goods_percent), price_floor_percent: limitTyped(one.price_floor_percent), price_ceiling_percent: limitTyped(one.price_ceiling_percent) })
const limitTyped = (percent: number | undefined) => (percent ? String(percent) : "")
export const CEILING_MAX = 1_000
/** The contract of a row, and what is not right in it by field, as the back end refuses it. */
export function contractOf(row: ContractRow, at: string): { contract: Contract; faults: Faults } {
  const faults: Faults = {}
  const limit = (field: "price_floor_percent" | "price_ceiling_percent", high: number) =>
    row.price_right === "company" && row[field].trim() ? wholeOf(faults, `${at}.${field}`, row[field], 0, high, t("offers.bad_whole", { low: 0, high: count(high) })) : 0
  if (row.mode === "direct" && (row.stock_owner !== "chain" || row.price_right !== "chain")) faults[`${at}.stock_owner`] = t("settle.direct_is_chains")
  if (row.mode === "all_franchise" && (row.stock_owner !== "company" || row.price_right !== "company")) faults[`${at}.stock_owner`] = t("settle.full_is_companys")
  const contract: Contract = {
    ...row,
    goods_percent: wholeOf(faults, `${at}.goods_percent`, row.goods_percent, 0, 100, t("offers.bad_whole", { low: 0, high: 100 })),
    price_floor_percent: limit("price_floor_percent", 100),
    price_ceiling_percent: limit("price_ceiling_percent", CEILING_MAX),
  }
  if (contract.price_ceiling_percent && contract.price_ceiling_percent <= contract.price_floor_percent) faults[`${at}.price_ceiling_percent`] ??= t("settle.no_room")
  return { contract, faults }
}
/** What each term does, in words: keys of sentences with what they name. */
export function termsOf(one: Contract, name: string, territory: string, percent: number): { key: string; with: Record<string, string | number> }[] {
  const limits = one.price_floor_percent && one.price_ceiling_percent ? "between" : one.price_floor_percent ? "floor" : one.price_ceiling_percent ? "ceiling" : "free"
  return [
    { key: `owner_${one.stock_owner}`, with: { name, percent: one.goods_percent } },
    { key: one.price_right === "chain" ? "price_chain" : `price_${limits}`, with: { name, low: one.price_floor_percent, high: one.price_ceiling_percent } },
    { key: `promo_${one.promo_payer}`, with: { name } },
    ...(territory ? [{ key: percent ? "territory" : "territory_idle", with: { name, regions: territory, percent } }] : []),
  ]
}
export const agreed = (company: Company): ContractRow => contractRow({ company: company.code, regions: [], ...usualOf(company) })
export const contractForm = (body: ContractBody): ContractForm => ({ contracts: body.contracts.map(contractRow) })
export function contractBody(form: ContractForm): { body: ContractBody; faults: Faults } {
  const read = form.contracts.map((one, n) => contractOf(one, `contracts.${n}`))
  return { body: { contracts: read.map((one) => one.contract) }, faults: Object.assign({}, ...read.map((one) => one.faults)) as Faults }
}
