import { onScopeDispose, watch, type Ref } from "vue"

/** So long a member stays at a till on which nothing is rung up. */
export const FORGET_AFTER_MS = 120_000

/**
 * A card that was read while nothing is rung up is forgotten after two minutes, and when the page is left: the next
 * customer's sale is not theirs. `busy` while something else is done for the member, such as filling the wallet.
 * A phone that slept in between forgets when it wakes.
 */
export function useForgetting(sale: { member: { card: string } | null; lines: unknown[] }, busy: Ref<boolean>): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let due = 0
  const idle = () => sale.member !== null && !sale.lines.length && !busy.value
  const forget = () => {
    if (idle()) sale.member = null
  }
  const stop = watch(
    () => [idle(), sale.member?.card],
    () => {
      clearTimeout(timer)
      if (!idle()) return
      due = Date.now() + FORGET_AFTER_MS
      timer = setTimeout(forget, FORGET_AFTER_MS)
    },
    { immediate: true },
  )
  const woken = () => document.visibilityState === "visible" && due && Date.now() >= due && forget()
  document.addEventListener("visibilitychange", woken)
  onScopeDispose(() => {
    stop()
    clearTimeout(timer)
    document.removeEventListener("visibilitychange", woken)
    if (!sale.lines.length) sale.member = null
  })
}
