import type { RouteLocationRaw } from "vue-router"
import type { Cell } from "./csv"

export interface Column<Row> {
  key: string
  label: string
  /** The cell in words; also what CSV gets, unless `value` says otherwise. */
  text: (row: Row) => string
  value?: (row: Row) => Cell
  end?: boolean
  width?: string
  /** The API's words for this order, a minus for descending; the first is taken first. */
  sort?: readonly string[]
  /** Not shown until chosen. */
  off?: boolean
  /** Where it goes when rows become cards on a phone. The first column is the card's head. */
  card?: "aside" | "line" | "none"
  /** The total of what is shown. */
  sum?: (rows: Row[]) => string
}

export type RowLink<Row> = (row: Row) => RouteLocationRaw
