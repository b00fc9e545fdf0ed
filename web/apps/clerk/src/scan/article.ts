import type { StockLine } from "@duoline/client"
import { t } from "@duoline/i18n"
import { signal } from "../state/signal"
import { ask } from "./act"
import type { Feedback } from "./context"

/** A reading where articles are wanted: what `take` says of it, what `other` makes of what is none, or that it is none. */
export async function readArticle(text: string, take: (sku: StockLine) => Feedback, other?: (text: string) => Feedback | null): Promise<Feedback> {
  const meaning = await ask(text)
  if (meaning.kind === "product") return take(meaning.sku)
  const meant = meaning.kind === "unknown" ? other?.(text) : null
  if (meant) return meant
  signal("refused")
  return { tone: "bad", text: t("till.not_goods"), stay: true }
}
