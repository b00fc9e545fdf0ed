import { onBeforeUnmount, onMounted } from "vue"

const MEAN_MS = 60 // a hand scanner types faster than anybody
const PAUSE_MS = 250 // but one without a cable may send its keys in bursts
const LENGTH_MIN = 6

/** Hears a hand scanner that types its reading as a keyboard and ends with Enter. Typing in a field is left alone. */
export function useHandScanner(read: (text: string) => void): void {
  let typed = ""
  let first = 0
  let last = 0
  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement | null
    if (target?.closest("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.timeStamp - last > PAUSE_MS) typed = ""
    if (!typed) first = event.timeStamp
    last = event.timeStamp
    if (event.key.length === 1) typed += event.key
    if (event.key !== "Enter") return
    const text = typed
    typed = ""
    if (text.length < LENGTH_MIN || last - first > MEAN_MS * text.length) return
    event.preventDefault()
    read(text)
  }
  onMounted(() => addEventListener("keydown", onKey, { capture: true }))
  onBeforeUnmount(() => removeEventListener("keydown", onKey, { capture: true }))
}
