import { dayTime, money, pick, t } from "@duoline/i18n"
import type { Money, Text } from "../api/types"

export interface Change {
  path: string
  before: unknown
  after: unknown
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

const isMoney = (value: unknown): value is Money => isRecord(value) && Object.keys(value).length === 2 && typeof value["minor"] === "number" && typeof value["currency"] === "string"
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/

/** What differs between two values, as dotted paths; lists of plain values count as one value. */
export function changes(before: unknown, after: unknown, path = ""): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  const at = (name: string) => (path ? `${path}.${name}` : name)
  if (isMoney(before) || isMoney(after)) return [{ path, before, after }]
  if (isRecord(before) || isRecord(after)) {
    const one = isRecord(before) ? before : {}
    const other = isRecord(after) ? after : {}
    if ((isRecord(before) || before === null || before === undefined) && (isRecord(after) || after === null || after === undefined)) {
      return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((name) => changes(one[name], other[name], at(name)))
    }
  }
  const deep = (value: unknown): value is unknown[] => Array.isArray(value) && value.some((one) => isRecord(one) || Array.isArray(one))
  if (deep(before) || deep(after)) {
    const one = Array.isArray(before) ? before : []
    const other = Array.isArray(after) ? after : []
    return Array.from({ length: Math.max(one.length, other.length) }, (_, n) => changes(one[n], other[n], at(String(n + 1)))).flat()
  }
  return [{ path, before, after }]
}

/** A value of a diff as one line of text; what is named `…_minor` is money, an id is called by its name where one is
 * known. */
export function plainValue(value: unknown, path = "", names: Record<string, Text> = {}): string {
  if (isMoney(value)) return money(value)
  if (typeof value === "number" && path.endsWith("_minor")) return money({ minor: value, currency: "CNY" })
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) return "\u2014"
  if (typeof value === "string") return names[value] ? pick(names[value]) : INSTANT.test(value) ? dayTime(value) : value
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ")
  if (typeof value === "boolean") return t(value ? "diff.yes" : "diff.no")
  if (typeof value === "number") return String(value)
  return JSON.stringify(value)
}
