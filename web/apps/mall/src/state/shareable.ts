import { onUnmounted, shallowRef, watch } from "vue"
import { inWechat } from "./inWechat"

/** What a page is about, as WeChat's menu would send it; `name` is what the API calls it by. */
export interface Shareable {
  kind: "product" | "outfit" | "coupon"
  name: string
  title: string
  text: string
  image: string | null
}

/** What the page that is open is about; null where it is about nothing that is shared. */
export const shareable = shallowRef<Shareable | null>(null)
/** What is being written in the share sheet, and the link once it is made; null while the sheet is closed. */
export const draft = shallowRef<{ note: string; url: string | null } | null>(null)

/** Tells WeChat's menu what this page is about, for as long as it is open. */
export function useShareable(what: () => Shareable | null): void {
  if (!inWechat) return
  let mine: Shareable | null = null
  watch(what, (now) => (shareable.value = mine = now), { immediate: true })
  // The next page may have said what it is about before this one is gone.
  onUnmounted(() => {
    if (shareable.value === mine) shareable.value = null
  })
}
