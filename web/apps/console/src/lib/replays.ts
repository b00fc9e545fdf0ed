import type { Money } from "@duoline/client"
import { count, money, t } from "@duoline/i18n"
import type { ReplayOutcome, ReplayTerms } from "../api/types"

/** How terms are called: in force, a version, a draft. */
export function termsName({ name, version }: Pick<ReplayTerms, "name" | "version">): string {
  if (name === "draft") return t("replays.name_draft")
  if (name === "in_force") return version ? t("replays.name_in_force", { n: version }) : t("replays.name_default")
  return version ? t("replays.name_version", { n: version }) : t("replays.name_version_0")
}

export const each = (whole: number, of: number): number | null => (of > 0 ? whole / of : null)

export interface Figure {
  key: string
  /** Null when there is nothing to measure. */
  value: (one: ReplayOutcome) => number | null
  show: (value: number, one: ReplayOutcome) => string
  /** Whether less is better, and how a difference reads. */
  better: "less" | "more"
  differs: "share" | "points" | "number"
}

const percent = (value: number) => `${(100 * value).toFixed(1)}%`
const yuan = (minor: number, like: Money) => money({ minor: Math.round(minor), currency: like.currency })

export const FIGURES: readonly Figure[] = [
  { key: "cost", value: (one) => each(one.cost.minor, one.served), show: (value, one) => yuan(value, one.cost), better: "less", differs: "share" },
  { key: "parcels", value: (one) => each(one.parcels, one.served), show: (value) => value.toFixed(2), better: "less", differs: "share" },
  { key: "fill", value: (one) => each(one.units_served, one.units), show: percent, better: "more", differs: "points" },
  { key: "late", value: (one) => each(one.late, one.paid), show: percent, better: "less", differs: "points" },
  { key: "full", value: (one) => each(one.over_hours, one.busy_hours), show: percent, better: "less", differs: "points" },
  { key: "lost", value: (one) => one.lost_units, show: (value, one) => (value ? t("replays.lost_units", { n: count(value), sum: money(one.lost) }) : "0"), better: "less", differs: "number" },
  { key: "fees", value: (one) => each(one.fees.minor, one.served), show: (value, one) => yuan(value, one.fees), better: "less", differs: "share" },
  { key: "own", value: (one) => each(one.own_cost.minor, one.served), show: (value, one) => yuan(value, one.own_cost), better: "less", differs: "share" },
]

/** How a figure differs from that of the terms in force; null where there is nothing to compare. */
export function difference(figure: Figure, one: ReplayOutcome, base: ReplayOutcome): { text: string; tone: "good" | "bad" | "" } | null {
  const now = figure.value(one)
  const before = figure.value(base)
  if (now === null || before === null || (figure.differs === "share" && before === 0 && now !== 0)) return null
  const by = figure.differs === "share" ? (before === 0 ? 0 : now / before - 1) : now - before
  const digits = figure.differs === "number" ? count(Math.abs(by)) : (100 * Math.abs(by)).toFixed(1)
  if (Number(digits.replace(/,/g, "")) === 0) return { text: t("replays.same"), tone: "" }
  const signed = `${by > 0 ? "+" : "\u2212"}${digits}`
  const text = figure.differs === "share" ? `${signed}%` : figure.differs === "points" ? t("replays.points", { n: signed }) : signed
  return { text, tone: by > 0 === (figure.better === "more") ? "good" : "bad" }
}
