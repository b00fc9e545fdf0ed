/** What is wrong with what was typed, by field. */
export type Faults = Record<string, string>

/** A whole number within bounds; what is none is a fault of `field`, and 0 stands for it. */
export function wholeOf(faults: Faults, field: string, typed: string, low: number, high: number, why: string): number {
  const number = Number(typed.trim())
  if (/^\d{1,12}$/.test(typed.trim()) && number >= low && number <= high) return number
  faults[field] ??= why
  return 0
}
/** Up to two decimals as hundredths. */
export function hundredthsOf(faults: Faults, field: string, typed: string, high: number, why: string): number {
  const found = /^(\d{1,10})(?:\.(\d{1,2}))?$/.exec(typed.trim().replaceAll(",", ""))
  const number = found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : NaN
  if (number <= high) return number
  faults[field] ??= why
  return 0
}
export const typedHundredths = (value: number): string => (value % 100 ? (value / 100).toFixed(2) : String(value / 100))
