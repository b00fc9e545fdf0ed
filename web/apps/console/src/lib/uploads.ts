import { Intention } from "@duoline/client"
import { shallowReactive } from "vue"
import { upload } from "../api"
import type { ImportJob, ImportKind } from "../api/types"

/** A file on its way to the server. It goes on while somebody looks at other pages. */
export interface Upload {
  file: File
  kind: ImportKind
  share: number
  error: unknown
  job: ImportJob | null
}

export const uploads = shallowReactive<Upload[]>([])

export interface Wish {
  kind: ImportKind
  file: File
  mapping: Blob | null
  dry_run: boolean
  move_stock: boolean
}

const intentions = new WeakMap<Upload, { intention: Intention; wish: Wish }>()

export function startUpload(wish: Wish, language: string): Upload {
  const one = shallowReactive<Upload>({ file: wish.file, kind: wish.kind, share: 0, error: null, job: null })
  intentions.set(one, { intention: new Intention(), wish })
  uploads.push(one)
  void sendUpload(one, language)
  return one
}

export async function sendUpload(one: Upload, language: string): Promise<void> {
  const known = intentions.get(one)
  if (!known) return
  const { intention, wish } = known
  one.error = null
  one.share = 0
  const form = new FormData()
  form.append("file", wish.file, wish.file.name)
  if (wish.mapping) form.append("mapping", wish.mapping, "mapping.json")
  const query = new URLSearchParams({ kind: wish.kind, ...(wish.dry_run && { dry_run: "1" }), ...(wish.move_stock && { move_stock: "1" }) })
  try {
    one.job = await intention.run("send", (key) => upload<ImportJob>(`imports?${query}`, form, key, language, (share) => (one.share = share)))
    dropUpload(one)
  } catch (error) {
    one.error = error
  }
}

export function dropUpload(one: Upload): void {
  const at = uploads.indexOf(one)
  if (at >= 0) uploads.splice(at, 1)
}
