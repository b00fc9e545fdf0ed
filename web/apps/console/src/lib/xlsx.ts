import type { Cell } from "./csv"

/**
 * One sheet as a workbook that Excel, WPS and LibreOffice open: numbers stay numbers, texts stay texts (a leading zero
 * of a code is kept, nothing is run as a formula). The parts are stored, not compressed, which needs no library.
 */
export function xlsxOf(rows: readonly (readonly Cell[])[], name: string): Uint8Array<ArrayBuffer> {
  const sheet = rows.map((row, y) => `<row r="${y + 1}">${row.map((cell, x) => cellOf(cell, `${letters(x)}${y + 1}`)).join("")}</row>`).join("")
  const main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
  const kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
  const packed = "http://schemas.openxmlformats.org/package/2006"
  const office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
  return zip({
    "[Content_Types].xml": `<Types xmlns="${packed}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${office}.sheet.main+xml"/><Override PartName="/xl/sheet1.xml" ContentType="${office}.worksheet+xml"/></Types>`,
    "_rels/.rels": `<Relationships xmlns="${packed}/relationships"><Relationship Id="r1" Type="${kinds}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${packed}/relationships"><Relationship Id="r1" Type="${kinds}/worksheet" Target="sheet1.xml"/></Relationships>`,
    "xl/workbook.xml": `<workbook xmlns="${main}" xmlns:r="${kinds}"><sheets><sheet name="${escaped(name.replace(/[[\]:*?/\\]/g, " ").slice(0, 31))}" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/sheet1.xml": `<worksheet xmlns="${main}"><sheetData>${sheet}</sheetData></worksheet>`,
  })
}

function cellOf(cell: Cell, at: string): string {
  if (cell === null || cell === undefined || cell === "") return ""
  if (typeof cell === "number") return `<c r="${at}"><v>${cell}</v></c>`
  return `<c r="${at}" t="inlineStr"><is><t xml:space="preserve">${escaped(cell)}</t></is></c>`
}

// Characters that XML cannot hold are dropped.
const escaped = (text: string) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** 0 is A, 26 is AA. */
function letters(column: number): string {
  return (column >= 26 ? letters(Math.floor(column / 26) - 1) : "") + String.fromCharCode(65 + (column % 26))
}

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (const byte of bytes) sum = TABLE[(sum ^ byte) & 255]! ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}

/** A zip archive of texts, stored. */
function zip(files: Record<string, string>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const parts: Uint8Array[] = []
  const directory: Uint8Array[] = []
  let at = 0
  for (const [path, text] of Object.entries(files)) {
    const name = encoder.encode(path)
    const body = encoder.encode((path.endsWith(".rels") || path.endsWith(".xml") ? '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' : "") + text)
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const facts = [20, 0x800, 0, 0, 0x21].flatMap(two).concat(four(crc(body)), four(body.length), four(body.length), two(name.length), two(0))
    const head = new Uint8Array([...four(0x04034b50), ...facts])
    directory.push(new Uint8Array([...four(0x02014b50), ...two(20), ...facts, ...two(0), ...two(0), ...two(0), ...four(0), ...four(at)]), name)
    parts.push(head, name, body)
    at += head.length + name.length + body.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const count = Object.keys(files).length
  const end = new Uint8Array([...four(0x06054b50), ...two(0), ...two(0), ...two(count), ...two(count), ...four(size), ...four(at), ...two(0)])
  const whole = new Uint8Array(at + size + end.length)
  let to = 0
  for (const part of [...parts, ...directory, end]) {
    whole.set(part, to)
    to += part.length
  }
  return whole
}
const two = (value: number) => [value & 255, (value >>> 8) & 255]
const four = (value: number) => [...two(value & 65535), ...two(value >>> 16)]
