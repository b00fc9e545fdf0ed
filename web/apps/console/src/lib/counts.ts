import type { Count } from "@duoline/client"
import { t } from "@duoline/i18n"

/** What a count is called: its title, its shelf, or what kind it is. */
export function countName(count: Count): string {
  if (count.title) return count.title
  if (count.shelf) return t("counts.of_shelf", { shelf: count.shelf })
  return t(`counts.kind_${count.kind}`)
}
export const countTone = (status: Count["status"]): "quiet" | "warn" | "good" => (status === "approved" ? "good" : status === "submitted" ? "warn" : "quiet")
/** A difference with its sign, a true minus. */
export const signed = (n: number | null): string => (n === null ? "" : n > 0 ? `+${n}` : n < 0 ? `\u2212${-n}` : "0")
