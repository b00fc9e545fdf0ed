import { t } from "@duoline/i18n"
import { shallowRef } from "vue"
import { signal } from "../state/signal"
import type { Feedback } from "./context"

/** Whoever waits for a code on a customer's phone; null while nobody does. */
export const wantsPayCode = shallowRef<((code: string) => Promise<Feedback>) | null>(null)

/** As long as a payment code is waited for, whatever is read is one or is refused: no article slips into the next sale. */
export function readPayCode(text: string): Promise<Feedback> | null {
  if (!wantsPayCode.value) return null
  const code = text.replace(/\s/g, "")
  if (/^\d{16,24}$/.test(code)) return wantsPayCode.value(code)
  signal("refused")
  return Promise.resolve({ tone: "bad", text: t("unpaid.not_code"), stay: true })
}
