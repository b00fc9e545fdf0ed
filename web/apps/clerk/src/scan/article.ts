import type { StockLine } from "@duoline/client"
import { t } from "@duoline/i18n"
import { signal } from "../state/signal"
import { ask } from "./act"
import type { Feedback } from "./context"

/** A reading where only articles are wanted: what `take` says of it, or that it is none. */
export async function readArticle(text: string, take: (sku: StockLine) => Feedback): Promise<Feedback> {
  const meaning = await ask(text)
  if (meaning.kind === "product") return take(meaning.sku)
  signal("refused")
  return { tone: "bad", text: t("till.not_goods"), stay: true }
}
