const CODE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$/

/** Whether a code is one that the back end would refuse. */
export const codeFault = (code: string): boolean => !CODE.test(code)

/** A key for an option or value, from its name: lower-case letters and digits, unlike those that are taken. */
export function keyFor(name: { zh: string; en: string }, taken: readonly string[], otherwise: string): string {
  const base = `${name.en || name.zh}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 32) || otherwise
  let key = base
  for (let n = 2; taken.includes(key); n++) key = `${base}-${n}`
  return key
}
