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
export const PARTS = ["bringer_store", "guide_store", "touchpoint_store", "ship_store", "hand_over_store", "online", "headquarters"] as const
export type Part = (typeof PARTS)[number]
export type AllocationForm = Record<Part, string>
export const NO_ALLOCATION = Object.fromEntries(PARTS.map((part) => [part, ""])) as AllocationForm
export const allocationForm = (body: AllocationRules): AllocationForm => Object.fromEntries(PARTS.map((part) => [part, String(body[part])])) as AllocationForm
export function allocationBody(form: AllocationForm): { body: AllocationRules; faults: Faults } {
  const faults: Faults = {}
  const body = Object.fromEntries(PARTS.map((part) => [part, wholeOf(faults, part, form[part], 0, 100, t("offers.bad_whole", { low: 0, high: 100 }))])) as unknown as AllocationRules
  const most = PARTS.filter((part) => part !== "ship_store" && part !== "hand_over_store").reduce((sum, part) => sum + body[part], 0) + Math.max(body.ship_store, body.hand_over_store)
  if (most > 100) faults["headquarters"] ??= t("settle.over_hundred", { n: most })
  return { body, faults }
}
/** Who gets what of 100 yuan: the goods' worth to their owner, the margin by percentages, the rest to the owner. */
export function sharesOfHundred(body: AllocationRules, goods: number, sent: boolean): { part: Part | "owner"; minor: number }[] {
  const margin = 100 - goods
  const parts = PARTS.filter((part) => part !== (sent ? "hand_over_store" : "ship_store"))
  const given = parts.reduce((sum, part) => sum + body[part], 0)
  return [{ part: "owner" as const, minor: goods * 100 + margin * (100 - given) }, ...parts.map((part) => ({ part, minor: margin * body[part] }))].filter((one) => one.minor > 0)
}
export const LINE_OF = (part: Part | "owner"): "shop" | "online" | "own" => (part === "owner" ? "own" : part === "online" || part === "headquarters" ? "online" : "shop")

// ---- contracts
export type ContractRow = Omit<Contract, "goods_percent"> & { goods_percent: string }
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
  direct: { mode: "direct", stock_owner: "chain", price_right: "chain", promo_payer: "chain", goods_percent: 60 },
  franchise: { mode: "franchise", stock_owner: "company", price_right: "chain", promo_payer: "chain", goods_percent: 60 },
  all_franchise: { mode: "all_franchise", stock_owner: "company", price_right: "company", promo_payer: "company", goods_percent: 60 },
}
/** What holds with a company that has no terms of its own. */
export const usualOf = (company: Company) => USUAL[company.kind === "franchisee" ? "franchise" : "direct"]
export const agreed = (company: Company): ContractRow => ({ company: company.code, regions: [], ...usualOf(company), goods_percent: String(usualOf(company).goods_percent) })
export const contractForm = (body: ContractBody): ContractForm => ({ contracts: body.contracts.map((one) => ({ ...one, goods_percent: String(one.goods_percent) })) })
export function contractBody(form: ContractForm): { body: ContractBody; faults: Faults } {
  const faults: Faults = {}
  const contracts = form.contracts.map((one, n): Contract => {
    if (one.mode === "direct" && (one.stock_owner !== "chain" || one.price_right !== "chain")) faults[`contracts.${n}.stock_owner`] = t("settle.direct_is_chains")
    if (one.mode === "all_franchise" && (one.stock_owner !== "company" || one.price_right !== "company")) faults[`contracts.${n}.stock_owner`] = t("settle.full_is_companys")
    return { ...one, goods_percent: wholeOf(faults, `contracts.${n}.goods_percent`, one.goods_percent, 0, 100, t("offers.bad_whole", { low: 0, high: 100 })) }
  })
  return { body: { contracts }, faults }
}
