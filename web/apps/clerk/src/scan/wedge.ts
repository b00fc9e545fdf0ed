import { onBeforeUnmount, onMounted } from "vue"

const GAP_MS = 60 // a hand scanner types faster than anybody
const LENGTH_MIN = 6

/** Hears a hand scanner that types its reading as a keyboard and ends with Enter. Typing in a field is left alone. */
export function useHandScanner(read: (text: string) => void): void {
  let typed = ""
  let last = 0
  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement | null
    if (target?.closest("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.timeStamp - last > GAP_MS) typed = ""
    last = event.timeStamp
    if (event.key.length === 1) typed += event.key
    else if (event.key === "Enter" && typed.length >= LENGTH_MIN) {
      event.preventDefault()
      const text = typed
      typed = ""
      read(text)
    }
  }
  onMounted(() => addEventListener("keydown", onKey, { capture: true }))
  onBeforeUnmount(() => removeEventListener("keydown", onKey, { capture: true }))
}
