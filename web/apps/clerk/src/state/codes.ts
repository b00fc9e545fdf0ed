/**
 * Pickup codes read in this session, by fulfilment. Only in memory: a code that lies on a phone could be used
 * without its owner.
 */
const codes = new Map<string, string>()

export function keepCode(fulfilmentId: string, code: string): void {
  codes.set(fulfilmentId, code)
}
export function codeOf(fulfilmentId: string): string | null {
  return codes.get(fulfilmentId) ?? null
}
export function dropCode(fulfilmentId: string): void {
  codes.delete(fulfilmentId)
}
