import type { ImportColumn, ImportKindInfo } from "../api/types"
import { parseCsv, sniffDelimiter } from "./csv"

/** The head of a CSV file, as far as it can be read here: its columns and a few lines. */
export interface FileHead {
  headers: string[]
  samples: string[][]
  delimiter: string
  encoding: string
}

const HEAD_BYTES = 256 * 1024

export async function readHead(file: File): Promise<FileHead | null> {
  if (!/\.(csv|tsv|txt)$/i.test(file.name)) return null
  const bytes = await file.slice(0, HEAD_BYTES).arrayBuffer()
  const { text, encoding } = decode(bytes)
  const delimiter = sniffDelimiter(text)
  const [headers, ...samples] = parseCsv(text, 4, delimiter)
  return headers && headers.length ? { headers: headers.map((one) => one.trim()), samples, delimiter, encoding } : null
}

/** UTF-8 where it is that, else GB18030, which spreadsheets in China write. */
function decode(bytes: ArrayBuffer): { text: string; encoding: string } {
  const whole = bytes.byteLength < HEAD_BYTES ? bytes : bytes.slice(0, HEAD_BYTES - 4) // the last letter may be cut in two
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(whole, { stream: true }), encoding: "utf-8" }
  } catch {
    return { text: new TextDecoder("gb18030").decode(whole), encoding: "gb18030" }
  }
}

/** Which column of the file stands for ours, where the names or titles are ours already. */
export function guess(kind: ImportKindInfo, headers: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {}
  for (const column of kind.columns) {
    const names = [column.name, column.zh, column.en].map((name) => name.toLowerCase())
    const header = headers.find((one) => names.includes(one.toLowerCase()) && !Object.values(found).includes(one))
    if (header) found[column.name] = header
  }
  return found
}

export const missing = (kind: ImportKindInfo, chosen: Record<string, string>): ImportColumn[] => kind.columns.filter((column) => column.required && !chosen[column.name])

/** A mapping file as the import takes it; null when the file's own names are enough. */
export function mappingOf(kind: ImportKindInfo, head: FileHead, chosen: Record<string, string>): Blob | null {
  const plain = guess(kind, head.headers)
  const used = Object.fromEntries(Object.entries(chosen).filter(([, header]) => header))
  if (JSON.stringify(plain) === JSON.stringify(used)) return null
  return new Blob([JSON.stringify({ kind: kind.name, encoding: head.encoding, delimiter: head.delimiter, columns: used }, null, 2)], { type: "application/json" })
}
