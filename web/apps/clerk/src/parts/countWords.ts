import type { Count, CountStatus } from "@duoline/client"
import { t } from "@duoline/i18n"

/** What a count is called: its title, its shelf, or what kind it is. */
export function countName(count: Count): string {
  if (count.title) return count.title
  if (count.shelf) return t("count.of_shelf", { shelf: count.shelf })
  return t(count.kind === "full" ? "count.kinds.full" : "count.kinds.free")
}

export function countTone(status: CountStatus): "quiet" | "warn" | "good" {
  return status === "approved" ? "good" : status === "submitted" ? "warn" : "quiet"
}
