import type { CancelTerms, UnpaidTerms } from "@duoline/client"
import type { PresaleCase, PresaleStateName } from "../api/types"
import { readYuan } from "./prices"

export const PRESALE_STATES: readonly PresaleStateName[] = ["coming", "deposits", "between", "balances", "over", "withdrawn"]

/** The three ways in which a deposit may end; a fourth would say two things that cannot both be. */
export const TERMS: readonly { key: "back" | "until" | "never"; cancel_terms: CancelTerms; unpaid_terms: UnpaidTerms }[] = [
  { key: "until", cancel_terms: "until_balance", unpaid_terms: "kept" },
  { key: "never", cancel_terms: "never", unpaid_terms: "kept" },
  { key: "back", cancel_terms: "until_balance", unpaid_terms: "given_back" },
]
export const termsOf = (one: { cancel_terms: CancelTerms; unpaid_terms: UnpaidTerms }) => TERMS.find((terms) => terms.cancel_terms === one.cancel_terms && terms.unpaid_terms === one.unpaid_terms)!

export interface PresaleForm {
  sku_id: string
  sku_code: string
  zh: string
  en: string
  price: string
  deposit: string
  deposit_from: string
  deposit_until: string
  balance_from: string
  balance_until: string
  expected_on: string
  units_max: string
  member_max: string
  delivery: boolean
  pickup: "none" | "all" | "chosen"
  stores: { code: string; name: { zh: string; en: string } }[]
  terms: "back" | "until" | "never"
  reason: string
}

export const emptyForm = (): PresaleForm => ({
  sku_id: "", sku_code: "", zh: "", en: "", price: "", deposit: "", deposit_from: "", deposit_until: "", balance_from: "", balance_until: "",
  expected_on: "", units_max: "100", member_max: "2", delivery: true, pickup: "all", stores: [], terms: "until", reason: "",
})

const yuan = (minor: number) => (minor % 100 ? (minor / 100).toFixed(2) : String(minor / 100))

export function formOf(one: PresaleCase): PresaleForm {
  return {
    ...emptyForm(),
    sku_code: one.row.sku_code,
    zh: one.row.name.zh,
    en: one.row.name.en,
    price: yuan(one.row.price.minor),
    deposit: yuan(one.row.deposit.minor),
    deposit_from: one.row.deposit_from,
    deposit_until: one.row.deposit_until,
    balance_from: one.row.balance_from,
    balance_until: one.row.balance_until,
    expected_on: one.expected_on,
    units_max: String(one.row.units_max),
    member_max: String(one.member_max),
    delivery: one.delivery,
    pickup: one.pickup,
    stores: one.store_codes.map((code) => ({ code, name: { zh: code, en: code } })),
    terms: termsOf(one).key,
  }
}

/** A deposit that may be kept is a fifth of the price at the most; this is that much, in minor units. */
export const keptMost = (priceMinor: number): number => Math.floor(priceMinor / 5)

/** What goes to the server; amounts that cannot be read go as nothing, and are refused. */
export function bodyOf(form: PresaleForm) {
  const terms = TERMS.find((one) => one.key === form.terms)!
  const amount = (text: string) => ({ minor: readYuan(text) ?? 0, currency: "CNY" })
  return {
    sku_code: form.sku_code,
    name: { zh: form.zh.trim(), en: form.en.trim() },
    price: amount(form.price),
    deposit: amount(form.deposit),
    deposit_from: form.deposit_from,
    deposit_until: form.deposit_until,
    balance_from: form.balance_from,
    balance_until: form.balance_until,
    expected_on: form.expected_on,
    units_max: Number(form.units_max),
    member_max: Number(form.member_max),
    delivery: form.delivery,
    pickup: form.pickup,
    store_codes: form.pickup === "chosen" ? form.stores.map((one) => one.code) : [],
    cancel_terms: terms.cancel_terms,
    unpaid_terms: terms.unpaid_terms,
  }
}
