import type { Money } from "@duoline/client"
import { i18n, t } from "./setup"

export const SHOP_ZONE = "Asia/Shanghai"
const SYMBOLS: Record<string, string> = { CNY: "\u00a5" }

const tag = () => (i18n.global.locale.value === "en" ? "en-GB" : "zh-CN")

const cache = new Map<string, Intl.DateTimeFormat>()
function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = tag() + JSON.stringify(options)
  let made = cache.get(key)
  if (!made) cache.set(key, (made = new Intl.DateTimeFormat(tag(), options)))
  return made
}

/** ¥1,204.00 in its parts, so that the digits can be set larger than the rest. */
export function moneyParts({ minor, currency }: Money): { sign: string; symbol: string; whole: string; cents: string } {
  const amount = Math.abs(minor)
  return {
    sign: minor < 0 ? "\u2212" : "",
    symbol: SYMBOLS[currency] ?? `${currency} `,
    whole: String(Math.trunc(amount / 100)).replace(/\B(?=(\d{3})+$)/g, ","),
    cents: String(amount % 100).padStart(2, "0"),
  }
}

export function money(value: Money): string {
  const { sign, symbol, whole, cents } = moneyParts(value)
  return `${sign}${symbol}${whole}.${cents}`
}

/** 850 m, 1.2 km, 34 km. */
export function distance(metres: number): string {
  if (metres < 1000) return `${Math.max(10, Math.round(metres / 10) * 10)} m`
  if (metres < 10_000) return `${(metres / 1000).toFixed(1)} km`
  return `${Math.round(metres / 1000)} km`
}

export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** YYYY-MM-DD of an instant in a zone; sorts and compares as text. */
export function dayOf(at: string | Date, zone = SHOP_ZONE): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" }).format(new Date(at))
}

export function clockTime(at: string | Date, zone = SHOP_ZONE): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(at))
}

/** 今天 / 明天 / 周三 / 11月25日, for a day in the shop's zone. */
export function dayName(at: string | Date, zone = SHOP_ZONE, now = new Date()): string {
  const days = dayDistance(at, zone, now)
  if (days === 0) return t("time.today")
  if (days === 1) return t("time.tomorrow")
  if (days === -1) return t("time.yesterday")
  if (days > 1 && days < 7) return dates({ timeZone: zone, weekday: "short" }).format(new Date(at))
  return date(at, zone, now)
}

function dayDistance(at: string | Date, zone: string, now: Date): number {
  return Math.round((Date.parse(dayOf(at, zone)) - Date.parse(dayOf(now, zone))) / 86_400_000)
}

/** 11月25日, with the year when it is another one. */
export function date(at: string | Date, zone = SHOP_ZONE, now = new Date()): string {
  const otherYear = dayOf(at, zone).slice(0, 4) !== dayOf(now, zone).slice(0, 4)
  return dates({
    timeZone: zone,
    month: tag() === "zh-CN" ? "long" : "short",
    day: "numeric",
    ...(otherYear && { year: "numeric" }),
  }).format(new Date(at))
}

/** 2026年10月 / Oct 2026, of "2026-10". */
export function monthName(month: string): string {
  return dates({ year: "numeric", month: "short", timeZone: "UTC" }).format(new Date(`${month}-01T00:00:00Z`))
}

/** 今天 15:40 / 15:40 today / 15:40 on Tue, in the shop's zone. */
export function dayTime(at: string | Date, zone = SHOP_ZONE, now = new Date()): string {
  const named = Math.abs(dayDistance(at, zone, now)) <= 1
  return t(named ? "time.day_time" : "time.day_time_on", { day: dayName(at, zone, now), time: clockTime(at, zone) })
}

/** The exact instant in words, for the hover. */
export function exactTime(at: string | Date, zone = SHOP_ZONE): string {
  return dates({ timeZone: zone, dateStyle: "long", timeStyle: "long" }).format(new Date(at))
}

/** 3 分钟前 / in 2 hours; from a day away on, day and time. */
export function relativeTime(at: string | Date, zone = SHOP_ZONE, now = new Date()): string {
  const seconds = (new Date(at).getTime() - now.getTime()) / 1000
  const past = seconds < 0
  // A browser's clock runs a little behind the server's: what has just happened is not to come.
  const minutes = past ? Math.round(-seconds / 60) : Math.floor(seconds / 60)
  if (minutes < 1) return t("time.now")
  if (minutes < 60) return t(past ? "time.minutes_ago" : "time.in_minutes", { n: minutes })
  const hours = Math.round(minutes / 60)
  if (hours < 12 && dayDistance(at, zone, now) === 0) return t(past ? "time.hours_ago" : "time.in_hours", { n: hours })
  return dayTime(at, zone, now)
}

/** 14 分 05 秒 / 14 min 05 s left, never below zero. In words, for 13:52 reads like an hour of the day. */
export function countdown(until: string | Date, now = new Date()): string {
  const seconds = Math.max(0, Math.floor((new Date(until).getTime() - now.getTime()) / 1000))
  const two = (value: number) => String(value).padStart(2, "0")
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours ? t("time.left_hours", { h: hours, m: two(minutes) }) : t("time.left", { m: minutes, s: two(seconds % 60) })
}

/** The carrier as people call it; its own code where we have no name for it. */
export function carrierName(code: string | null | undefined): string {
  return code && i18n.global.te(`carrier.${code}`) ? t(`carrier.${code}`) : (code ?? "")
}

/** Facts of one thing in one line, each said once: "Scanned · Longhu", never "Longhu · Longhu", and no dot without a word. */
export function joined(parts: readonly (string | false | null | undefined)[]): string {
  const words = parts.flatMap((part) => (part || "").split("\u00b7").map((word) => word.trim()))
  return [...new Set(words.filter(Boolean))].join(" \u00b7 ")
}

/** Sentences after one another, as each language sets them: apart in English, together after a Chinese full stop. */
export function sentences(...said: (string | false | null | undefined)[]): string {
  return said.filter(Boolean).join(tag() === "en-GB" ? " " : "")
}

/** The `lang` of words that somebody typed: Chinese where there is any in them, else that of the page. */
export function langOf(text: string): "zh-CN" | undefined {
  return /[\u3400-\u9fff]/.test(text) ? "zh-CN" : undefined
}
