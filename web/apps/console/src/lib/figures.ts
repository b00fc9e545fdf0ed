import { count, t, textKey } from "@duoline/i18n"

/** ¥1.2万 / ¥12k: money on an axis, where the exact figure stands in the table behind. */
export function roughMoney(minor: number): string {
  const whole = minor / 100
  if (textKey() === "zh") return `\u00a5${whole >= 10_000 ? t("figure.wan", { n: trim(whole / 10_000) }) : trim(whole)}`
  return `\u00a5${whole >= 1_000_000 ? `${trim(whole / 1_000_000)}m` : whole >= 1000 ? `${trim(whole / 1000)}k` : trim(whole)}`
}

function trim(value: number): string {
  return value >= 100 || Number.isInteger(value) ? count(Math.round(value)) : value.toFixed(1).replace(/\.0$/, "")
}

/** Where there is no figure. */
export const NONE = "\u2014"
/** How much of the whole, in percent to the tenth below: what is not all is never shown as all. */
export function shareOf(part: number, whole: number): string {
  return whole ? t("promises.percent", { n: (Math.floor((1000 * part) / whole) / 10).toFixed(1) }) : NONE
}

/** A colour between two of the tokens: `share` of the first. Anything but #rgb and #rrggbb is left as it is. */
export function mix(one: string, other: string, share: number): string {
  const long = (colour: string) => colour.replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3")
  const parts = (colour: string) => /^#(..)(..)(..)$/.exec(long(colour))?.slice(1).map((part) => parseInt(part, 16))
  const [a, b] = [parts(one), parts(other)]
  if (!a || !b) return one
  return `#${a.map((part, n) => Math.round(part * share + (b[n] ?? 0) * (1 - share)).toString(16).padStart(2, "0")).join("")}`
}

/** +12%, −3%; null when there is nothing to compare with. */
export function change(now: number, before: number): { text: string; up: boolean } | null {
  if (before <= 0) return null
  const share = Math.round((now / before - 1) * 100)
  return { text: `${share > 0 ? "+" : share < 0 ? "\u2212" : "\u00b1"}${count(Math.abs(share))}%`, up: share >= 0 }
}
