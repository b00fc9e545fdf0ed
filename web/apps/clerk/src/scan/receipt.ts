/** An order's number, as it stands on a receipt and in the link that its code opens. */
const ORDER_NO = /(?:^|\/)(\d{6}-[0-9A-Z]{4}-[0-9A-Z]{4})(?:\.|$)/

/** The number of the receipt that was scanned or typed; null when the text names none. */
export const receiptNo = (text: string): string | null => ORDER_NO.exec(text.trim())?.[1] ?? ORDER_NO.exec(text.trim().toUpperCase())?.[1] ?? null
