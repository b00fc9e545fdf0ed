import { money, t } from "@duoline/i18n"

/** The policies we have words for; others are shown by their own names. */
const KNOWN = new Set(["sourcing", "pickup", "delivery", "delivery_fee", "guest_orders", "favourite_hold", "counts", "transfers", "stock_alerts", "promise", "returns", "till", "touch", "binding", "tiers", "points", "commission", "allocation", "contracts", "statements", "matching", "wallet"])
/** Policies that have an editor of their own, and where it is. */
export const EDITORS: Record<string, string> = { tiers: "/members/tiers", points: "/members/points", wallet: "/members/wallet", commission: "/settlement/rules", allocation: "/settlement/rules/allocation", contracts: "/settlement/rules/contracts" }
export const known = (kind: string): boolean => KNOWN.has(kind)

/** Fields in minor units of money, by policy. */
const MONEY: Record<string, readonly string[]> = { sourcing: ["parcel", "per_km", "pick_store", "pick_dc", "rush", "load", "split", "day", "transfer", "reject", "replan_min_minor"], delivery_fee: ["fee", "free_from"], counts: ["value_minor_max"], till: ["drawer_difference_minor"], statements: ["two_above_minor", "least_minor"] }
/** Texts that say something by being empty. */
const MAY_BE_EMPTY = new Set(["excluded", "colleagues"])
/** Texts that are one of a few: the schema has them as a pattern. */
const CHOICES = /^\^\((\w+(?:\|\w+)+)\)\$$/
export const isMoney = (kind: string, field: string): boolean => MONEY[kind]?.includes(field) ?? false

const FIELDS = new Set([
  "parcel", "per_km", "pick_store", "pick_dc", "rush", "rush_from", "rush_until", "load", "split", "day", "transfer", "reject", "owner_fee", "walk_in", "margin", "horizon_days", "markdown", "hours_full", "from_shops", "from_warehouses", "from_franchisees", "parcels_max", "rejections_max", "replan_minutes", "replan_min_minor", "shadow", "keep_hours", "pay_minutes", "cutoff_hour", "near_km", "far_km", "days_near", "days_far", "days_beyond",
  "by_hour", "fee", "free_from", "currency", "orders_hour", "orders_hour_address", "units_unpaid", "units_unpaid_address",
  "on", "minutes", "minutes_min", "minutes_max", "member_open", "member_day", "device_day", "address_day", "share_percent", "last_unit", "history_min", "units_max", "value_minor_max",
  "shops_may_ask", "for_orders", "auto_units_max", "keep_units", "auto_across_companies", "answer_hours", "unclaimed_hours", "remind_hours", "learned", "quantile", "weeks", "enough", "hours_near", "hours_far", "hours_beyond",
  "days", "faulty_days", "excluded", "other_companies", "in_shop_minutes",
  "missing_days", "missing_units", "hold_days", "reject_percent", "reject_count_min", "drawer_difference_minor", "blind", "window_days", "repeat_minutes", "last_touch", "protect_days", "expires_days", "ask_minutes", "leaver", "colleagues", "two_above_minor", "least_minor",
  "queue_from", "same_name", "phone_near", "same_mail", "mail_near", "shared", "phone_and_name",
])
export const fieldName = (field: string): string => (FIELDS.has(field) ? t(`policy_field.${field}`) : field)

/** Fields in the order in which we name them; others after those. */
export function inOrder(fields: string[]): string[] {
  const known = [...FIELDS]
  const place = (field: string) => (FIELDS.has(field) ? known.indexOf(field) : known.length)
  return [...fields].sort((a, b) => place(a) - place(b))
}

export function fieldText(kind: string, field: string, value: unknown): string {
  if (typeof value === "boolean") return t(value ? "policies.yes" : "policies.no")
  if (typeof value === "number" && isMoney(kind, field)) return money({ minor: value, currency: "CNY" })
  if (field === "leaver") return t(`policy_choice.${String(value)}`)
  return typeof value === "object" ? JSON.stringify(value) : String(value)
}

export interface PolicyField {
  name: string
  type: "integer" | "number" | "boolean" | "string" | "other"
  low: number | null
  high: number | null
  /** What a text can be; empty for any. */
  options: string[]
}

interface Schema {
  type?: string
  $ref?: string
  properties?: Record<string, Schema>
  $defs?: Record<string, Schema>
  pattern?: string
  minimum?: number
  maximum?: number
}

/** The fields of a policy's body, from its JSON Schema. */
export function fieldsOf(schema: Record<string, unknown>): PolicyField[] {
  const root = schema as Schema
  const name = root.$ref?.split("/").at(-1)
  const body = name ? root.$defs?.[name] : root
  return Object.entries(body?.properties ?? {}).map(([field, one]) => ({
    name: field,
    type: one.type === "integer" || one.type === "number" || one.type === "boolean" || one.type === "string" ? one.type : "other",
    low: one.minimum ?? null,
    high: one.maximum ?? null,
    options: CHOICES.exec(one.pattern ?? "")?.[1]?.split("|") ?? [],
  }))
}

/** What somebody typed for a field as the value to send; undefined when it does not fit. */
export function readField(kind: string, field: PolicyField, typed: string): unknown {
  const text = typed.trim()
  if (field.type === "string") return text === "" && !MAY_BE_EMPTY.has(field.name) ? undefined : text
  if (field.type === "other") {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }
  if (isMoney(kind, field.name)) {
    const found = /^(\d{1,7})(?:\.(\d{1,2}))?$/.exec(text)
    return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : undefined
  }
  const number = Number(text)
  if (text === "" || !Number.isFinite(number) || (field.type === "integer" && !Number.isInteger(number))) return undefined
  // Nothing we have a policy for can be below zero.
  return number < (field.low ?? 0) || number > (field.high ?? 1_000_000) ? undefined : number
}

export function typedField(kind: string, field: string, value: unknown): string {
  if (typeof value === "number" && isMoney(kind, field)) return (value / 100).toFixed(2)
  return typeof value === "object" ? JSON.stringify(value) : String(value ?? "")
}
