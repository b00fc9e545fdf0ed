import { setLanguage, type Text } from "@duoline/client"
import { createI18n, useI18n } from "vue-i18n"
import sharedZh from "./locales/zh-CN.json"

export type Locale = "zh-CN" | "en"
export type Messages = { [key: string]: string | Messages }
export const LOCALES: { code: Locale; name: string }[] = [
  { code: "zh-CN", name: "中文" }, // i18n-exempt: a language is named in itself
  { code: "en", name: "English" },
]

const REMEMBERED = "duoline.locale"

function isLocale(value: unknown): value is Locale {
  return value === "zh-CN" || value === "en"
}

/** What the reader chose last; else English only for a reader whose browser asks for it and not for Chinese. */
export function firstLocale(): Locale {
  const stored = recall()
  if (isLocale(stored)) return stored
  const wanted = navigator.languages.map((tag) => tag.toLowerCase())
  if (wanted.some((tag) => tag.startsWith("zh"))) return "zh-CN"
  return wanted[0]?.startsWith("en") ? "en" : "zh-CN"
}

function recall(): string | null {
  try {
    return localStorage.getItem(REMEMBERED)
  } catch {
    return null // storage is refused in some in-app browsers
  }
}

export const i18n = createI18n({
  legacy: false as const,
  locale: "zh-CN" as Locale,
  fallbackLocale: false as const,
  missingWarn: true,
  messages: { "zh-CN": sharedZh as Messages, en: {} as Messages },
})

let loadEnglish: () => Promise<{ default: Messages }> = () => Promise.resolve({ default: {} })
let englishLoaded = false

/**
 * Installs a face's own strings. Chinese is part of the first script; English comes as its own file when
 * wanted, so that nobody downloads a language they do not read.
 */
export async function startI18n(zh: Messages, en: () => Promise<{ default: Messages }>): Promise<typeof i18n> {
  i18n.global.mergeLocaleMessage("zh-CN", zh)
  loadEnglish = en
  await setLocale(firstLocale(), { remember: false })
  return i18n
}

/** More of a face's Chinese, which comes with the pages that say it. */
export function addWords(zh: Messages): void {
  i18n.global.mergeLocaleMessage("zh-CN", zh)
}

export async function setLocale(locale: Locale, { remember }: { remember: boolean }): Promise<void> {
  if (locale === "en" && !englishLoaded) {
    const both = await Promise.all([import("./locales/en.json"), loadEnglish()])
    for (const { default: messages } of both) i18n.global.mergeLocaleMessage("en", messages)
    englishLoaded = true
  }
  i18n.global.locale.value = locale
  document.documentElement.lang = locale
  setLanguage(locale)
  if (!remember) return
  try {
    localStorage.setItem(REMEMBERED, locale)
  } catch {
    // Without storage the choice lasts for this visit.
  }
}

/** `zh` or `en`, the key of a `Text`. */
export function textKey(): keyof Text {
  return i18n.global.locale.value === "en" ? "en" : "zh"
}

/** The reader's side of a name; the other one where a name was never translated. Reactive to the locale. */
export function pick(text: Text | string | null | undefined): string {
  if (text === null || text === undefined) return ""
  if (typeof text === "string") return text
  const key = textKey()
  return text[key] || text[key === "en" ? "zh" : "en"] || ""
}

export function t(key: string, named: Record<string, unknown> = {}): string {
  return i18n.global.t(key, named)
}

/** For a name that the back end gave, as `t` of its key; one that has no words of ours stands as it is. */
export function nameOr(key: string, name: string): string {
  return i18n.global.te(key) ? i18n.global.t(key) : name
}

/** With a count, for messages with a singular and plural form (`{n} piece | {n} pieces`). */
export function tn(key: string, count: number, named: Record<string, unknown> = {}): string {
  return i18n.global.t(key, { n: count, ...named }, count)
}

export function useLocale(): { locale: typeof i18n.global.locale; setLocale: typeof setLocale } {
  useI18n()
  return { locale: i18n.global.locale, setLocale }
}
