export type Cell = string | number | null | undefined

/**
 * RFC 4180 with a byte-order mark, so that spreadsheets read the Chinese. A text that a spreadsheet would run as a
 * formula gets an apostrophe in front.
 */
export function csvText(rows: readonly (readonly Cell[])[]): string {
  const field = (cell: Cell): string => {
    if (cell === null || cell === undefined) return ""
    if (typeof cell === "number") return String(cell)
    const safe = /^[=+\-@\t\r]/.test(cell) && !/^-?[\d.,]+$/.test(cell) ? `'${cell}` : cell
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return `\ufeff${rows.map((row) => row.map(field).join(",")).join("\r\n")}\r\n`
}

export function download(name: string, text: BlobPart, type = "text/csv;charset=utf-8"): void {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** The first lines of a CSV text as cells. */
export function parseCsv(text: string, lines_max: number, delimiter = ","): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ""
  let quoted = false
  const source = text.replace(/^\ufeff/, "")
  for (let at = 0; at < source.length && rows.length < lines_max; at++) {
    const char = source[at]
    if (quoted) {
      if (char === '"' && source[at + 1] === '"') {
        cell += '"'
        at++
      } else if (char === '"') quoted = false
      else cell += char
    } else if (char === '"') quoted = true
    else if (char === delimiter) {
      row.push(cell)
      cell = ""
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && source[at + 1] === "\n") at++
      rows.push([...row, cell])
      row = []
      cell = ""
    } else cell += char
  }
  if (rows.length < lines_max && (cell || row.length)) rows.push([...row, cell])
  return rows
}

/** The delimiter that cuts the first line into most cells. */
export function sniffDelimiter(text: string): string {
  const line = text.slice(0, 20_000).split(/\r?\n/, 1)[0] ?? ""
  return [",", ";", "\t", "|"].map((one) => ({ one, cells: parseCsv(line, 1, one)[0]?.length ?? 0 })).sort((a, b) => b.cells - a.cells)[0]?.one ?? ","
}
