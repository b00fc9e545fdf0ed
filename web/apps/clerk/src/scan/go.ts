import { pick, t } from "@duoline/i18n"
import type { Router } from "vue-router"
import { knownCard } from "../state/queue"
import { may } from "../state/session"
import { signal } from "../state/signal"
import { ask } from "./act"
import type { Feedback } from "./context"
import { preorderQr, scannedPreorder } from "./preorder"
import { receiptNo } from "./receipt"
import { noteSeen, type Seen } from "./recent"

/** Goes to what a reading means: the hand-over, the order, the article; a receipt of a sale that is over is brought to return something. */
export async function goTo(router: Router, text: string): Promise<Feedback> {
  const open = (seen: Omit<Seen, "at">): Feedback => {
    noteSeen(seen)
    void router.push(seen.to)
    return { tone: "good", text: t("scan.opening"), stay: false }
  }
  const preorder = preorderQr(text)
  if (preorder && may("sell")) {
    scannedPreorder.value = preorder
    void router.push({ name: "preorder" })
    return { tone: "good", text: t("scan.opening"), stay: false }
  }
  const meaning = await ask(text)
  if (meaning.kind === "pickup") return open({ kind: "pickup", label: knownCard(meaning.id)?.customer_name ?? t("scan.pickup"), to: `/queue/${meaning.id}/hand-over` })
  if (meaning.kind === "order") return open({ kind: "order", label: meaning.orderNo || t("scan.order"), to: `/queue/${meaning.id}` })
  if (meaning.kind === "product") return open({ kind: "product", label: pick(meaning.sku.name), to: `/stock/${meaning.sku.sku_id}` })
  const no = receiptNo(text)
  if (may("return") && no) return open({ kind: "order", label: no, to: `/return?no=${no}` })
  signal("refused")
  return { tone: "bad", text: t("scan.unknown"), stay: true }
}
