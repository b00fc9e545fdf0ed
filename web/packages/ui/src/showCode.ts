import { onBeforeUnmount, onMounted } from "vue"

/** A code as a picture, so that nothing in it can act on the page. Inside a page an SVG needs no namespace, as a picture it does. */
export function codePicture(svg: string | undefined): string {
  const whole = svg?.replace(/^<svg(?![^>]*\bxmlns=)/, '<svg xmlns="http://www.w3.org/2000/svg"')
  return whole ? `data:image/svg+xml;utf8,${encodeURIComponent(whole)}` : ""
}

/** The screen stays lit while somebody scans it. */
export function useStayAwake(): void {
  let lock: { release: () => Promise<void> } | null = null
  async function stayAwake() {
    try {
      lock = document.visibilityState === "visible" && "wakeLock" in navigator ? await navigator.wakeLock.request("screen") : null
    } catch {
      lock = null // refused on low battery; the code still shows
    }
  }
  onMounted(() => {
    void stayAwake()
    document.addEventListener("visibilitychange", stayAwake)
  })
  onBeforeUnmount(() => {
    document.removeEventListener("visibilitychange", stayAwake)
    void lock?.release().catch(() => undefined)
  })
}
