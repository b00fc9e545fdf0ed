import { onScopeDispose } from "vue"

/** `j`, `Enter`, `ctrl+k`, or two strokes one after the other: `g o`. */
export type KeyMap = Record<string, (event: KeyboardEvent) => void>

const layers: KeyMap[] = []
const SECOND_STROKE_MS = 1200
let first = ""
let firstAt = 0

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
}

function strokeOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  return event.ctrlKey || event.metaKey ? `ctrl+${key}` : event.altKey ? `alt+${key}` : key
}

function onKeydown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const stroke = strokeOf(event)
  const held = stroke.startsWith("ctrl+")
  if (document.querySelector("dialog[open]") && !held) return
  if (typing(event.target) && !held) {
    if (stroke === "Escape") (event.target as HTMLElement).blur()
    return
  }
  const both = performance.now() - firstAt < SECOND_STROKE_MS ? `${first} ${stroke}` : ""
  for (const wanted of both ? [both, stroke] : [stroke]) {
    const layer = layers.findLast((map) => wanted in map)
    if (!layer) continue
    event.preventDefault()
    first = ""
    layer[wanted]?.(event)
    return
  }
  first = stroke
  firstAt = performance.now()
}
addEventListener("keydown", onKeydown)

/** Keys that work while the component lives; the newest component wins. Never while somebody types or a dialog is open. */
export function useKeys(map: KeyMap): void {
  layers.push(map)
  onScopeDispose(() => layers.splice(layers.indexOf(map), 1))
}
