import { t } from "@duoline/i18n"
import { reactive } from "vue"
import type { IconName } from "./icons"

export interface ToastInput {
  text: string
  tone?: "plain" | "good" | "bad"
  icon?: IconName
  /** Usually "undo". */
  action?: { label: string; run: () => void }
  seconds?: number
}
interface Shown extends ToastInput {
  id: number
}

export const toasts = reactive<Shown[]>([])
let serial = 0

/** Says what just happened; with an action it stays 5 s so that it can be undone. Returns the way to take it away. */
export function toast(input: ToastInput): () => void {
  const id = ++serial
  if (toasts.length > 1) toasts.shift()
  toasts.push({ ...input, id })
  const drop = () => {
    const index = toasts.findIndex((shown) => shown.id === id)
    if (index >= 0) toasts.splice(index, 1)
  }
  setTimeout(drop, (input.seconds ?? (input.action ? 5 : 3)) * 1000)
  return drop
}

/** Says what was done and offers to take it back for 5 s. */
export function undoable(text: string, undo: () => void): () => void {
  return toast({ text, action: { label: t("ui.undo"), run: undo } })
}
