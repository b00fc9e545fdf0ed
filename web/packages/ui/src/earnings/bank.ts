/** The number of a bank account as people write it; the server says the same (`settlement/bank_numbers.py`). */

export interface BankDraft {
  owner: "person" | "company"
  holder: string
  bank: string
  branch: string
  number: string
}
export const emptyBank = (): BankDraft => ({ owner: "person", holder: "", bank: "", branch: "", number: "" })

const NUMBER = /^[0-9]{12,30}$/
const CARD = /^62\d{14,17}$/

/** The number alone: full-width digits as digits, without the spaces and dashes of a card. */
export const plainNumber = (written: string): string => written.normalize("NFKC").replace(/[\s·-]+/g, "")
/** In fours, as on the card. */
export const grouped = (number: string): string => number.replace(/(.{4})(?=.)/g, "$1 ")

/** Whether a person's number looks like a card whose check digit (Luhn) is wrong: to be looked at, not refused. */
export function doubtful(number: string, owner: BankDraft["owner"]): boolean {
  if (owner !== "person" || !CARD.test(number)) return false
  let sum = 0
  for (let at = 0; at < number.length; at += 1) {
    const digit = Number(number[number.length - 1 - at])
    const doubled = digit * 2
    sum += at % 2 ? (doubled > 9 ? doubled - 9 : doubled) : digit
  }
  return sum % 10 !== 0
}

/** What is wrong with what was entered, by field, as a key of `earn`. */
export function bankFaults(draft: BankDraft): Partial<Record<keyof BankDraft, "holder_missing" | "bank_missing" | "number_wrong">> {
  const number = plainNumber(draft.number)
  return {
    ...(draft.holder.trim() ? {} : { holder: "holder_missing" as const }),
    ...(draft.bank.trim() ? {} : { bank: "bank_missing" as const }),
    ...(NUMBER.test(number) ? {} : { number: "number_wrong" as const }),
  }
}
/** As it is sent. */
export const bankBody = (draft: BankDraft): BankDraft => ({ owner: draft.owner, holder: draft.holder.trim(), bank: draft.bank.trim(), branch: draft.branch.trim(), number: plainNumber(draft.number) })
