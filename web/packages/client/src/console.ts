import { read, write, type Query } from "./http"
import type { ImportJob, Page, Today } from "./types"

export { staff } from "./clerk"

/** The console's part of the API; its pages add what they need. */
export const headquarters = {
  today: () => read<Today>("/api/console/today"),
  list: <T>(path: string, query: Query) => read<Page<T>>(`/api/console/${path}`, { query }),
  one: <T>(path: string, query: Query = {}) => read<T>(`/api/console/${path}`, { query }),
  post: <T>(path: string, body: unknown, key: string) => write<T>("POST", `/api/console/${path}`, { body, key }),
  put: <T>(path: string, body: unknown, key: string) => write<T>("PUT", `/api/console/${path}`, { body, key }),
  patch: <T>(path: string, body: unknown, key: string) => write<T>("PATCH", `/api/console/${path}`, { body, key }),
  remove: <T>(path: string, key: string, query: Query = {}) => write<T>("DELETE", `/api/console/${path}`, { key, query }),
  upload: (kind: ImportJob["kind"], form: FormData, key: string) =>
    write<ImportJob>("POST", "/api/console/imports", { query: { kind }, form, key }),
  eventsUrl: "/api/console/events",
}
