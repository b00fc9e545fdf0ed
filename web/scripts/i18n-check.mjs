/**
 * Fails when a face could show a string that is not in both languages:
 *  1. a key in one language and not in the other, or with other placeholders;
 *  2. a key that the code asks for and nobody wrote, or that nobody asks for;
 *  3. a message that the faces' own compiler refuses: `@`, `{` and `|` mean something to it, and a page that shows
 *     such a message falls over;
 *  4. words written straight into a template, into a label-like attribute, or Chinese in a script.
 *
 * Keys are found as t("a.b"), tn("a.b"), $t("a.b"). A key made at run time is written t(`a.${kind}`): every
 * key under "a." then counts as used. Keys kept in data are written "a.b" as whole literals, which counts too.
 * A line that must hold literal words carries the comment  i18n-exempt: why.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { join, relative, resolve } from "node:path"
import { parse } from "vue/compiler-sfc"
import { askedBy } from "./keys.ts"

/** The compiler that the faces run, not one that happens to lie beside it. */
const { baseCompile } = createRequire(createRequire(import.meta.url).resolve("vue-i18n"))("@intlify/message-compiler")

const web = resolve(import.meta.dirname, "..")
const shared = ["packages/i18n", "packages/ui", "packages/client"]
const faces = ["mall", "clerk", "console"]
const LABELS = new Set(["alt", "title", "placeholder", "label", "aria-label", "aria-description", "text", "content", "description", "confirm-button-text", "cancel-button-text", "empty-text"])
const CJK = /[\u3400-\u9fff\u3000-\u303f\uff01-\uff5e]/
const WORD = /\p{L}/u
const problems = []

function files(folder, ends) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return name === "node_modules" ? [] : files(path, ends)
    return ends.some((end) => name.endsWith(end)) ? [path] : []
  })
}

function flatten(messages, prefix = "") {
  return Object.entries(messages).flatMap(([name, value]) =>
    typeof value === "string" ? [[prefix + name, value]] : flatten(value, `${prefix}${name}.`),
  )
}

function messages(folder, locale) {
  return new Map(flatten(JSON.parse(readFileSync(join(web, folder, "src/locales", `${locale}.json`), "utf8"))))
}

const placeholders = (text) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]))].sort().join(",")

/** What the compiler says against a message; null for one that it can make words of. */
function refused(text) {
  let why = null
  try {
    baseCompile(text, { onError: (error) => (why ??= error.message) })
  } catch (error) {
    why ??= error.message
  }
  return why
}

function compare(folder) {
  const zh = messages(folder, "zh-CN")
  const en = messages(folder, "en")
  for (const key of zh.keys()) if (!en.has(key)) problems.push(`${folder}: "${key}" has no English`)
  for (const key of en.keys()) if (!zh.has(key)) problems.push(`${folder}: "${key}" has no Chinese`)
  for (const [locale, texts] of [["zh-CN", zh], ["en", en]]) {
    for (const [key, text] of texts) {
      const why = refused(text)
      if (why) problems.push(`${folder}: "${key}" does not compile in ${locale}: ${why}`)
    }
  }
  for (const [key, text] of zh) {
    if (!text.trim() || (en.has(key) && !en.get(key).trim())) problems.push(`${folder}: "${key}" is empty`)
    if (en.has(key) && placeholders(text) !== placeholders(en.get(key))) problems.push(`${folder}: "${key}" has other placeholders in English`)
    if (en.has(key) && CJK.test(en.get(key))) problems.push(`${folder}: "${key}" is Chinese in English`)
  }
  return new Set([...zh.keys(), ...en.keys()])
}

/** Looks at one source file; returns the literal keys, the prefixes, and every quoted dotted word. */
function inspect(path) {
  const source = readFileSync(path, "utf8")
  const where = relative(web, path)
  const lines = source.split("\n")
  const exempt = (line) => [line - 1, line - 2].some((index) => lines[index]?.includes("i18n-exempt"))
  if (path.endsWith(".vue")) {
    const { descriptor, errors } = parse(source, { filename: path })
    if (errors.length) problems.push(`${where}: ${errors[0].message}`)
    if (descriptor.template?.ast) walk(descriptor.template.ast, where, exempt)
    for (const script of [descriptor.script, descriptor.scriptSetup]) {
      if (script) literals(script.content, where, exempt, script.loc.start.line)
    }
  } else literals(source, where, exempt, 1)
  return askedBy(source)
}

function literals(code, where, exempt, offset) {
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, (text) => text.replace(/[^\n]/g, " ")).replace(/(^|[^:"'`])\/\/.*$/gm, "$1")
  bare.split("\n").forEach((text, index) => {
    if (CJK.test(text) && !exempt(offset + index)) problems.push(`${where}:${offset + index}: Chinese in the script: ${text.trim()}`)
  })
}

function walk(node, where, exempt) {
  if (node.tag === "kbd") return // the name on a key is the same in every language
  const line = node.loc?.start.line ?? 0
  if (node.type === 2 && WORD.test(node.content) && !exempt(line)) {
    problems.push(`${where}:${line}: words in the template: ${node.content.trim().slice(0, 60)}`)
  }
  if (node.type === 5 && !exempt(line)) expression(node.content.content ?? node.content.loc?.source ?? "", where, line)
  for (const prop of node.props ?? []) {
    if (prop.type === 6 && LABELS.has(prop.name) && prop.value && WORD.test(prop.value.content) && !exempt(prop.loc.start.line)) {
      problems.push(`${where}:${prop.loc.start.line}: words in ${prop.name}="${prop.value.content}"`)
    }
    if (prop.type === 7 && prop.exp && !exempt(prop.loc.start.line)) {
      const source = prop.exp.loc?.source ?? ""
      if (CJK.test(source)) problems.push(`${where}:${prop.loc.start.line}: Chinese in ${source.slice(0, 60)}`)
      if (prop.name === "bind" && prop.arg && LABELS.has(prop.arg.content)) expression(source, where, prop.loc.start.line)
    }
  }
  for (const child of [...(node.children ?? []), ...(node.branches ?? [])]) if (typeof child === "object") walk(child, where, exempt)
}

/** A literal shown to the reader: {{ "text" }} or {{ open ? "Open" : "Shut" }}; keys and arguments of calls are no such thing. */
function expression(source, where, line) {
  if (CJK.test(source)) problems.push(`${where}:${line}: Chinese in ${source.slice(0, 60)}`)
  const outside = source.replace(/\\u[0-9a-fA-F]{4}/g, "").replace(/\w+\((?:[^()]|\([^()]*\))*\)/g, "").replace(/\[[^\]]*\]/g, "").replace(/[=!]==?\s*["'][^"']*["']/g, "")
  for (const found of outside.matchAll(/["'`]([^"'`$]*)["'`]/g)) {
    if (WORD.test(found[1]) && !/^[a-z][\w-]*(\.[\w-]+)+$/.test(found[1])) problems.push(`${where}:${line}: words in {{ ${source.slice(0, 60)} }}`)
  }
}

const sharedKeys = compare("packages/i18n")
const sharedUse = shared.flatMap((folder) => files(join(web, folder, "src"), [".vue", ".ts"]).map(inspect))
const used = { keys: new Set(), prefixes: new Set(), words: new Set() }
const note = (found, into) => {
  found.keys.forEach((key) => into.keys.add(key))
  found.prefixes.forEach((key) => into.prefixes.add(key))
  found.words.forEach((key) => into.words.add(key))
}
sharedUse.forEach((found) => note(found, used))

for (const face of faces) {
  const folder = `apps/${face}`
  const own = compare(folder)
  const all = new Set([...own, ...sharedKeys])
  const use = { keys: new Set(), prefixes: new Set(), words: new Set() }
  files(join(web, folder, "src"), [".vue", ".ts"]).map(inspect).forEach((found) => note(found, use))
  for (const key of use.keys) {
    if (!all.has(key) && !(key.endsWith(".") && [...all].some((one) => one.startsWith(key)))) problems.push(`${folder}: "${key}" is asked for but not written`)
  }
  for (const key of own) {
    const byPrefix = [...use.prefixes].some((prefix) => key.startsWith(prefix))
    if (!byPrefix && !use.keys.has(key) && !use.words.has(key)) problems.push(`${folder}: "${key}" is never used`)
  }
  for (const key of own) if (sharedKeys.has(key)) problems.push(`${folder}: "${key}" hides the shared one`)
  note({ keys: [...use.keys], prefixes: [...use.prefixes], words: [...use.words] }, used)
}
for (const key of used.keys) if (sharedUse.some((found) => found.keys.includes(key)) && !sharedKeys.has(key)) problems.push(`packages: "${key}" is asked for but not written`)
for (const key of sharedKeys) {
  if (!used.keys.has(key) && !used.words.has(key) && ![...used.prefixes].some((prefix) => key.startsWith(prefix))) problems.push(`packages/i18n: "${key}" is never used`)
}

for (const problem of problems) console.error(problem)
if (problems.length) console.error(`\n${problems.length} untranslated or stray strings`)
else console.log("every string is in both languages and used")
process.exit(problems.length ? 1 : 0)
