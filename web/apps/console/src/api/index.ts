import { asProblem, Problem, read, write, type Page, type Query, type WriteMethod } from "@duoline/client"
import { session } from "../lib/session"

const ROOT = "/api/console/"
export const at = encodeURIComponent

/** A 401 in the middle of work opens the log-in over the page instead of leaving it. */
async function watched<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (asProblem(error).status === 401 && session.me) session.expired = true
    throw error
  }
}

export const get = <T>(path: string, query: Query = {}): Promise<T> => watched(read<T>(ROOT + path, { query }))
export const list = <T>(path: string, query: Query = {}): Promise<Page<T>> => watched(read<Page<T>>(ROOT + path, { query }))
export const send = <T>(method: WriteMethod, path: string, body: unknown, key: string, query: Query = {}): Promise<T> =>
  watched(write<T>(method, ROOT + path, { key, query, ...(body === undefined ? {} : { body }) }))

/** What the clerk's phone does the same way. */
export const getShared = <T>(path: string): Promise<T> => watched(read<T>("/api/staff/" + path))
export const sendShared = <T>(method: WriteMethod, path: string, body: unknown, key: string): Promise<T> =>
  watched(write<T>(method, "/api/staff/" + path, { key, body }))

/** A file that may be refused: a plain link would save the refusal instead of saying it. */
export const getFile = (path: string): Promise<Blob> =>
  watched(
    fetch(ROOT + path, { headers: { "Accept-Language": document.documentElement.lang } }).then(
      async (found) => (found.ok ? found.blob() : Promise.reject(new Problem(found.status, (await found.json().catch(() => ({}))) as Record<string, unknown>))),
      () => Promise.reject(new Problem(0, { code: "net.offline" })),
    ),
  )

/** A file goes by XMLHttpRequest, the only way a browser tells how much of it has been sent. */
export function upload<T>(path: string, form: FormData, key: string, language: string, onSent: (share: number) => void): Promise<T> {
  return watched(
    new Promise<T>((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open("POST", ROOT + path)
      request.setRequestHeader("Idempotency-Key", key)
      request.setRequestHeader("Accept-Language", language)
      request.upload.onprogress = (event) => event.lengthComputable && onSent(event.loaded / event.total)
      request.onerror = () => reject(new Problem(0, { code: "net.offline" }))
      request.onload = () => {
        let body: unknown
        try {
          body = request.responseText ? JSON.parse(request.responseText) : undefined
        } catch {
          body = undefined
        }
        if (request.status >= 200 && request.status < 300) resolve(body as T)
        else reject(new Problem(request.status, (body ?? {}) as Record<string, unknown>))
      }
      request.send(form)
    }),
  )
}

export type { Page, Query }
