import { onBeforeUnmount, onMounted, ref, type Ref } from "vue"

const QUIET_MS = 25_000
const GUARD_MS = 500

/**
 * Runs `settle` when nobody has touched the screen for a while and it stands at its top, as on a counter tablet.
 * For half a second after that taps are let pass, since a thumb may have been on its way to what was there.
 */
export function useQuiet(settle: () => void): { settling: Ref<boolean>; touched: () => void } {
  const settling = ref(false)
  let last = Date.now()
  const touched = () => (last = Date.now())
  const TOUCHES = ["pointerdown", "pointermove", "wheel", "keydown", "scroll"] as const
  let timer: ReturnType<typeof setInterval> | undefined
  onMounted(() => {
    for (const name of TOUCHES) addEventListener(name, touched, { passive: true })
    timer = setInterval(() => {
      if (Date.now() - last < QUIET_MS || scrollY > 8) return
      settling.value = true
      settle()
      setTimeout(() => (settling.value = false), GUARD_MS)
    }, 3000)
  })
  onBeforeUnmount(() => {
    clearInterval(timer)
    for (const name of TOUCHES) removeEventListener(name, touched)
  })
  return { settling, touched }
}
