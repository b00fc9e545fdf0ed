const CARD = /^DLC1\.[0-9A-Z]+\.\d+$/i

/** Whether this is the picture of a card on a phone. */
export const isMemberCard = (text: string): boolean => CARD.test(text.trim())

/** A number that can stand on a card, and is neither an article's, nor a pickup code, nor a phone's. */
export function isCardNumber(text: string): boolean {
  const plain = text.replace(/[\s-]/g, "")
  return /^\w{4,40}$/.test(plain) && !/^(\d{8}|1\d{10})$/.test(plain) && !isGtin(plain)
}

/** Whether the last digit is that which an article's number of twelve to fourteen digits ends with. */
function isGtin(text: string): boolean {
  if (!/^\d{12,14}$/.test(text)) return false
  const sum = [...text].reverse().reduce((so, digit, n) => so + Number(digit) * (n % 2 ? 3 : 1), 0)
  return sum % 10 === 0
}
