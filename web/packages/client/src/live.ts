export interface LiveEvent {
  id: string | null
  event: string
  data: unknown
}

export interface LiveOptions {
  onEvent: (event: LiveEvent) => void
  /** Called with true when the stream stands, false when it is lost; `since` is when it was lost. */
  onState?: (up: boolean, since: Date) => void
  lastEventId?: string | null
  /** The `performance.now()` at which the page asked for what it shows: what has happened since then is told too. */
  shownSince?: number
}

export interface LiveStream {
  close: () => void
  /** Try at once instead of waiting for the back-off. */
  wake: () => void
}

const BACKOFF_MS_MAX = 30_000
const SILENCE_MS_MAX = 50_000 // the server sends a heartbeat every 15 s

/**
 * Server-sent events over fetch. EventSource forgets the last id when it gives up and never says why;
 * this one always resumes with `Last-Event-ID`, backs off with jitter (1 s doubling to 30 s), notices a
 * silent line, and reconnects at once when the phone wakes or finds the network again.
 */
export function openLive(url: string, options: LiveOptions): LiveStream {
  let lastId = options.lastEventId ?? null
  let failures = 0
  let closed = false
  let up = false
  let abort = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let silence: ReturnType<typeof setTimeout> | undefined

  const say = (now: boolean) => {
    if (now === up) return
    up = now
    options.onState?.(now, new Date())
  }

  const heard = () => {
    clearTimeout(silence)
    silence = setTimeout(() => abort.abort(), SILENCE_MS_MAX)
  }

  const connect = async () => {
    abort = new AbortController()
    try {
      const age = lastId === null && options.shownSince !== undefined ? `?age_ms=${Math.ceil(performance.now() - options.shownSince)}` : ""
      const response = await fetch(url + age, {
        credentials: "same-origin",
        cache: "no-store",
        headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
        signal: abort.signal,
      })
      if (response.status === 401 || response.status === 403 || response.status === 404) return close()
      if (!response.ok || !response.body) throw new Error(`stream ${response.status}`)
      failures = 0
      say(true)
      heard()
      await drain(response.body, heard, (event) => {
        if (event.id !== null) lastId = event.id
        options.onEvent(event)
      })
    } catch {
      // Lost lines are expected; the retry below is the answer.
    } finally {
      clearTimeout(silence)
    }
    if (closed) return
    say(false)
    const wait = Math.min(BACKOFF_MS_MAX, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2)
    timer = setTimeout(() => void connect(), wait)
  }

  const wake = () => {
    if (closed || up) return
    clearTimeout(timer)
    failures = 0
    abort.abort()
    void connect()
  }
  const onVisible = () => document.visibilityState === "visible" && wake()

  function close() {
    closed = true
    clearTimeout(timer)
    clearTimeout(silence)
    abort.abort()
    removeEventListener("online", wake)
    document.removeEventListener("visibilitychange", onVisible)
  }

  addEventListener("online", wake)
  document.addEventListener("visibilitychange", onVisible)
  void connect()
  return { close, wake }
}

async function drain(body: ReadableStream<Uint8Array>, heard: () => void, emit: (event: LiveEvent) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let buffer = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    heard()
    buffer += value.replaceAll("\r\n", "\n")
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const event = parseFrame(buffer.slice(0, end))
      buffer = buffer.slice(end + 2)
      if (event) emit(event)
    }
  }
}

export function parseFrame(frame: string): LiveEvent | null {
  let id: string | null = null
  let event = "message"
  const data: string[] = []
  for (const line of frame.split("\n")) {
    const colon = line.indexOf(":")
    if (colon === 0) continue // a heartbeat comment
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "id") id = value
    else if (field === "event") event = value
    else if (field === "data") data.push(value)
  }
  if (data.length === 0) return null
  const text = data.join("\n")
  try {
    return { id, event, data: JSON.parse(text) }
  } catch {
    return { id, event, data: text }
  }
}
