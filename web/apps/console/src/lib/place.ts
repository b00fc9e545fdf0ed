import { onScopeDispose, watch, type Ref } from "vue"

/**
 * Keeps a popover (top layer, so nothing clips it) beside its anchor: below it, above it where there is more room,
 * within the window.
 */
export function usePlaced(anchor: Ref<HTMLElement | undefined>, box: Ref<HTMLElement | undefined>, open: Ref<boolean>, { end = false, wide = false } = {}): void {
  function place(): void {
    const from = anchor.value?.getBoundingClientRect()
    const panel = box.value
    if (!from || !panel) return
    if (wide) panel.style.minWidth = `${from.width}px`
    const size = panel.getBoundingClientRect()
    const below = innerHeight - from.bottom - 8
    const up = size.height > below && from.top > below
    const left = end ? from.right - size.width : from.left
    panel.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`
    panel.style.top = up ? "auto" : `${from.bottom + 4}px`
    panel.style.bottom = up ? `${innerHeight - from.top + 4}px` : "auto"
    panel.style.maxHeight = `${Math.max(120, up ? from.top - 12 : below)}px`
  }
  watch(
    [open, box],
    ([shown]) => {
      const panel = box.value
      if (!panel) return
      if (shown && !panel.matches(":popover-open")) {
        panel.showPopover()
        place()
        addEventListener("scroll", place, true)
        addEventListener("resize", place)
      } else if (!shown) stop()
    },
    { flush: "post" },
  )
  function stop(): void {
    if (box.value?.matches(":popover-open")) box.value.hidePopover()
    removeEventListener("scroll", place, true)
    removeEventListener("resize", place)
  }
  onScopeDispose(stop)
}
