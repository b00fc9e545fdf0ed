import { shallowRef } from "vue"

/** The code of a pre-order that was scanned on another page, for the page that opens it. Never kept longer. */
export const scannedPreorder = shallowRef<string | null>(null)

const QR = /^DLP:[A-Z2-7]{16}$/
const DIGITS = /^\d{12}$/

/** The code of a pre-order in a QR; null for everything else. Twelve digits may be an article's, so that they are typed where they are wanted. */
export const preorderQr = (text: string): string | null => (QR.test(text.trim().toUpperCase()) ? text.trim().toUpperCase() : null)

/** The same where a pre-order's code is wanted: its digits as well. */
export function preorderCode(text: string): string | null {
  const digits = text.replace(/[\s-]/g, "")
  return preorderQr(text) ?? (DIGITS.test(digits) ? digits : null)
}
