/** Amounts a customer is likely to give for `due`, in minor units: exactly, then rounded up to notes; rising, no twins, as many as a phone has room for in a row. */
export function likelyAmounts(due: number): number[] {
  const notes = [1000, 2000, 5000, 10_000, 20_000]
  const up = notes.map((note) => Math.ceil(due / note) * note)
  return [...new Set([due, ...up])].sort((a, b) => a - b).slice(0, 4)
}

/** What the keypad makes of `typed` ("118.5") in minor units; null while it is not an amount. */
export function amountOf(typed: string): number | null {
  const found = /^(\d{1,6})(?:\.(\d{0,2}))?$/.exec(typed)
  if (!found) return null
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"))
}

export function typedOf(minor: number): string {
  const cents = minor % 100
  return cents === 0 ? String(minor / 100) : (minor / 100).toFixed(2)
}

export function press(typed: string, button: string): string {
  if (button === "back") return typed.slice(0, -1)
  const next = button === "." && typed === "" ? "0." : typed === "0" && button !== "." ? button : typed + button
  return next === "" || amountOf(next) !== null ? next : typed
}

/** Notes and coins that are in use, in minor units, the largest first. */
export const PIECES = [10_000, 5000, 2000, 1000, 500, 100, 50, 10] as const
