/** Barcodes after the GS1 General Specifications 7.9, as the back end checks them (GTIN-8, -12, -13, -14). */
export type GtinFault = "digits" | "length" | "check"

const LENGTHS = [8, 12, 13, 14]

export function checkDigit(digits: string): string {
  const total = [...digits].reverse().reduce((sum, digit, place) => sum + Number(digit) * (place % 2 === 0 ? 3 : 1), 0)
  return String((10 - (total % 10)) % 10)
}

/** What is wrong with a barcode; null when it is right. Spaces and hyphens do not count. */
export function gtinFault(text: string): { fault: GtinFault; expected?: string } | null {
  const digits = text.replace(/[\s-]/g, "")
  if (!/^\d+$/.test(digits)) return { fault: "digits" }
  if (!LENGTHS.includes(digits.length)) return { fault: "length" }
  const expected = checkDigit(digits.slice(0, -1))
  if (expected !== digits.at(-1) || /^0+$/.test(digits)) return { fault: "check", expected }
  return null
}
