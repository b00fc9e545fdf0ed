import type { StockSums } from "../api/types"

/** Units of a kind as a bar shows them: a token and how much of it, on the colour of the panel. */
export interface Segment {
  key: keyof Omit<StockSums, "value">
  token: string
  share: number
}

export type BarView = "age" | "status"

/** Each adds up to what is on hand. Only what somebody may have to act on has a colour: what is old, what is free to sell. */
export const SEGMENTS: Record<BarView, readonly Segment[]> = {
  age: [
    { key: "age_30", token: "--ink", share: 0.16 },
    { key: "age_90", token: "--ink", share: 0.34 },
    { key: "age_180", token: "--ink", share: 0.58 },
    { key: "age_older", token: "--warn", share: 1 },
    { key: "age_unknown", token: "--ink", share: 0.06 },
  ],
  status: [
    { key: "free", token: "--good", share: 0.8 },
    { key: "held_orders", token: "--ink", share: 0.72 },
    { key: "held_transfers", token: "--ink", share: 0.54 },
    { key: "held_favourites", token: "--ink", share: 0.4 },
    { key: "held_by_hand", token: "--ink", share: 0.28 },
    { key: "safety", token: "--ink", share: 0.14 },
  ],
}

/** The same colour for CSS. */
export const swatch = (one: Segment): string => `color-mix(in srgb, var(${one.token}) ${one.share * 100}%, var(--raised))`

/** 12%, and <1% for what is little but there. */
export function share(part: number, whole: number): string {
  if (!part || !whole) return "0%"
  const percent = (100 * part) / whole
  return percent < 1 ? "<1%" : `${Math.round(percent)}%`
}
