import { offlineProblem, Problem } from "./problem"

type Scalar = string | number | boolean | null | undefined
export type Query = Record<string, Scalar>
export type WriteMethod = "POST" | "PUT" | "PATCH" | "DELETE"

export interface ReadOptions {
  query?: Query
  signal?: AbortSignal
}

export interface WriteOptions extends ReadOptions {
  body?: unknown
  /** One key for one intention of the user; the same key again when the same intention is retried. */
  key?: string
  form?: FormData
}

const settings = { language: "zh-CN", timeout_ms: 20_000, upload_timeout_ms: 600_000 }

/** The language in which refusals are written. */
export function setLanguage(language: string): void {
  settings.language = language
}

/** A fresh idempotency key. `crypto.randomUUID` is missing on plain-http phones in a shop's network. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "" || value === false) continue
    search.set(name, value === true ? "1" : String(value))
  }
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

export async function read<T>(path: string, { query, signal }: ReadOptions = {}): Promise<T> {
  return exchange<T>(withQuery(path, query), { method: "GET" }, signal)
}

export async function write<T>(method: WriteMethod, path: string, options: WriteOptions = {}): Promise<T> {
  const headers: Record<string, string> = { "Idempotency-Key": options.key ?? newKey() }
  let body: BodyInit | undefined = options.form
  if (!options.form && options.body !== undefined) {
    headers["Content-Type"] = "application/json"
    body = JSON.stringify(options.body)
  }
  return exchange<T>(withQuery(path, options.query), { method, headers, ...(body === undefined ? {} : { body }) }, options.signal)
}

async function exchange<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const limit = withTimeout(init.body instanceof FormData ? settings.upload_timeout_ms : settings.timeout_ms, signal)
  try {
    return await answer<T>(path, { ...init, signal: limit.signal }, signal)
  } finally {
    limit.clear()
  }
}

/** Not AbortSignal.any: phones of a few years ago do not have it. */
function withTimeout(ms: number, signal?: AbortSignal): { signal: AbortSignal; clear: () => void } {
  const both = new AbortController()
  const stop = () => both.abort(signal?.reason)
  const timer = setTimeout(() => both.abort(new DOMException("timeout", "TimeoutError")), ms)
  if (signal?.aborted) stop()
  signal?.addEventListener("abort", stop)
  return {
    signal: both.signal,
    clear: () => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", stop)
    },
  }
}

async function answer<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, {
      ...init,
      credentials: "same-origin",
      headers: { Accept: "application/json", "Accept-Language": settings.language, ...init.headers },
    })
  } catch (cause) {
    if (signal?.aborted) throw cause // the face itself lost interest
    throw offlineProblem(cause)
  }
  if (response.status === 204) return undefined as T
  const text = await response.text().catch((cause: unknown) => {
    throw offlineProblem(cause)
  })
  const json = parse(text)
  if (!response.ok) throw new Problem(response.status, isRecord(json) ? json : {})
  return json as T
}

function parse(text: string): unknown {
  try {
    return text ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError"
}
