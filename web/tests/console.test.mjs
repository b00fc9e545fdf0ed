import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { load } from "./load.mjs"

const { xlsxOf } = await load("apps/console/src/lib/xlsx.ts")

test("a workbook is read back as it was written", () => {
  const folder = mkdtempSync(join(tmpdir(), "duoline-xlsx-"))
  try {
    const path = join(folder, "list.xlsx")
    writeFileSync(path, xlsxOf([["货号", "件数"], ["0042 <&>", 3], ["=1+1", -2.5], ["", null]], "订单/今天"))
    // The reader that our own imports use.
    const read = "import json, sys, openpyxl; book = openpyxl.load_workbook(sys.argv[1]); print(json.dumps([book.sheetnames, list(book.active.values)]))"
    const told = JSON.parse(execFileSync("python", ["-c", read, path], { encoding: "utf8" }))
    assert.deepEqual(told, [["订单 今天"], [["货号", "件数"], ["0042 <&>", 3], ["=1+1", -2.5]]])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
