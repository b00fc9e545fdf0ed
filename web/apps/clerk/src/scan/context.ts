import { problemText } from "@duoline/ui"
import type { Feedback } from "@duoline/ui/scan"
import { onBeforeUnmount, onMounted, reactive } from "vue"
import { expired } from "../state/session"
import { signal } from "../state/signal"

export type { Feedback }
export interface ScanContext {
  /** What to point the camera at, in words. */
  hint: () => string
  read: (text: string) => Promise<Feedback>
}

/** The page that wants readings for itself (picking, till, hand-over). Without one a reading goes where it means. */
export const scanning = reactive({ context: null as ScanContext | null, open: false })

export function useScanContext(context: ScanContext): { open: () => void } {
  onMounted(() => (scanning.context = context))
  onBeforeUnmount(() => {
    if (scanning.context === context) Object.assign(scanning, { context: null, open: false })
  })
  return { open: () => (scanning.open = true) }
}

/** A reading by whatever scanner; a failure becomes words too. */
export async function readSafely(read: ScanContext["read"], text: string): Promise<Feedback> {
  try {
    return await read(text)
  } catch (error) {
    signal("refused")
    return { tone: "bad", text: expired(error) ? "" : problemText(error), stay: true }
  }
}
