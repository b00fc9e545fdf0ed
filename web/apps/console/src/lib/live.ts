import { openLive, type LiveEvent, type LiveStream } from "@duoline/client"
import { headquarters } from "@duoline/client/console"
import { onScopeDispose, reactive, ref } from "vue"

/** One stream for the whole console; pages listen to it while they are open. */
export const liveState = reactive<{ up: boolean; since: Date | null }>({ up: false, since: null })
export const liveCount = ref(0)

type Listener = (event: LiveEvent) => void
const listeners = new Set<Listener>()
const LAST_ID = "duoline.console.event"
let stream: LiveStream | null = null

function lastId(): string | null {
  try {
    return sessionStorage.getItem(LAST_ID)
  } catch {
    return null
  }
}

/** Opens the stream where the last page left it, so that a reload misses nothing. */
export function startLive(): void {
  if (stream) return
  stream = openLive(headquarters.eventsUrl, {
    lastEventId: lastId(),
    onState: (up, since) => {
      liveState.up = up
      liveState.since = up ? null : since
    },
    onEvent: (event) => {
      if (event.id !== null) {
        try {
          sessionStorage.setItem(LAST_ID, event.id)
        } catch {
          // Without storage a reload starts at the present.
        }
      }
      liveCount.value++
      listeners.forEach((listener) => listener(event))
    },
  })
}

export function stopLive(): void {
  stream?.close()
  stream = null
  liveState.up = false
}

export function useLive(listener: Listener): void {
  listeners.add(listener)
  onScopeDispose(() => listeners.delete(listener))
}

/** Calls `act` at most once in `wait_ms`, however many events arrive; the last one is never lost. */
export function gathered(act: () => void, wait_ms: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      act()
    }, wait_ms)
  }
}
