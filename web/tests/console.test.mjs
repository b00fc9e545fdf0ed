import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { load } from "./load.mjs"

const { xlsxOf } = await load("apps/console/src/lib/xlsx.ts")
const { whyOf } = await load("apps/console/src/lib/asideWhy.ts")

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

test("what went wrong is said by the kind of error that the record begins with", () => {
  assert.equal(whyOf("KeyError: 'order_id'"), "shape")
  assert.equal(whyOf("msgspec.ValidationError: Expected `uuid`"), "shape")
  assert.equal(whyOf("CheckViolationError: new row for relation \"accruals\""), "rule")
  assert.equal(whyOf("Fault: SET-3: waits for nobody"), "rule")
  assert.equal(whyOf("UniqueViolationError: duplicate key"), "twice")
  assert.equal(whyOf("NotFound: order"), "gone")
  assert.equal(whyOf("NotFound"), "gone")
  assert.equal(whyOf("ZeroDivisionError: Fault: x"), "other")
  assert.equal(whyOf(""), "other")
})
