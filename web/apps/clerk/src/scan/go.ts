import { pick, t } from "@duoline/i18n"
import type { Router } from "vue-router"
import { knownCard } from "../state/queue"
import { may } from "../state/session"
import { signal } from "../state/signal"
import { ask } from "./act"
import { isCardNumber, isMemberCard } from "./card-number"
import type { Feedback } from "./context"
import { guideLink } from "./guide-link"
import { showCard } from "./member-card"
import { preorderQr, scannedPreorder } from "./preorder"
import { receiptNo } from "./receipt"
import { noteSeen, type Seen } from "./recent"

/**
 * Goes to what a reading means: the hand-over, the order, the article, the member of a card; a receipt of a sale that is
 * over is brought to return something. A number that is nothing else may be that of a card.
 */
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
  if (may("sell") && isMemberCard(text)) return openMember(router, text)
  const link = guideLink(text)
  if (link === "mine") {
    void router.push({ name: "my-code" })
    return { tone: "good", text: t("scan.opening"), stay: false }
  }
  if (link === "other") {
    signal("refused")
    return { tone: "bad", text: t("scan.guide_link"), stay: true }
  }
  const meaning = await ask(text)
  if (meaning.kind === "pickup") return open({ kind: "pickup", label: knownCard(meaning.id)?.customer_name ?? t("scan.pickup"), to: `/queue/${meaning.id}/hand-over` })
  if (meaning.kind === "order") return open({ kind: "order", label: meaning.orderNo || t("scan.order"), to: `/queue/${meaning.id}` })
  if (meaning.kind === "product") return open({ kind: "product", label: pick(meaning.sku.name), to: `/stock/${meaning.sku.sku_id}` })
  const no = receiptNo(text)
  if (may("return") && no) return open({ kind: "order", label: no, to: `/return?no=${no}` })
  if (may("sell") && isCardNumber(text)) return openMember(router, text)
  signal("refused")
  return { tone: "bad", text: t("scan.unknown"), stay: true }
}

async function openMember(router: Router, text: string): Promise<Feedback> {
  const said = await showCard(text)
  if (said.tone === "good") void router.push({ name: "member-card" })
  return said
}
