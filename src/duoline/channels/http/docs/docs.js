// Shows the API's own description. No library, nothing loaded from elsewhere; all text is set as text, never as markup.
"use strict"

const METHODS = ["get", "post", "put", "patch", "delete"]
const DOORS = {
  public: "anybody", visitor: "anybody (a guest is made when needed)", member: "members and guests with a session",
  staff: "staff", signed: "signed machine calls", development: "anybody, in development only",
}

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value
    else made.setAttribute(name, value)
  }
  made.append(...children.filter((child) => child !== null && child !== undefined))
  return made
}

let api = {}

function resolved(schema) {
  return schema && schema.$ref ? schema.$ref.slice(2).split("/").reduce((at, key) => at[key], api) : schema
}

function nameOf(schema) {
  if (!schema) return "nothing"
  if (schema.$ref) return schema.$ref.split("/").pop()
  const choices = schema.oneOf || schema.anyOf
  if (choices) return choices.map(nameOf).join(" or ")
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ")
  if ("const" in schema) return JSON.stringify(schema.const)
  if (schema.type === "array") return `list of ${nameOf(schema.items)}`
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "anything"
  const bounds = [["minimum", "≥"], ["maximum", "≤"], ["minLength", "length ≥"], ["maxLength", "length ≤"]]
    .filter(([key]) => key in schema).map(([key, sign]) => `${sign} ${schema[key]}`)
  return [schema.format ? `${type} (${schema.format})` : type, ...bounds].join(", ")
}

function example(schema, depth = 0) {
  const known = resolved(schema)
  if (!known || depth > 6) return null
  if ("default" in known) return known.default
  if (known.enum) return known.enum[0]
  if ("const" in known) return known.const
  const choices = known.oneOf || known.anyOf
  if (choices) return example(choices.find((each) => each.type !== "null") || choices[0], depth)
  const type = Array.isArray(known.type) ? known.type[0] : known.type
  if (type === "array") return depth > 4 ? [] : [example(known.items, depth + 1)]
  if (type === "integer" || type === "number") return known.minimum ?? 1
  if (type === "boolean") return true
  if (type === "string") {
    if (known.format === "uuid") return "0199a000-0000-7000-8000-000000000000"
    if (known.format === "date-time") return "2026-01-31T08:00:00Z"
    return known.format === "date" ? "2026-01-31" : "text"
  }
  if (!known.properties) return {}
  return Object.fromEntries(Object.entries(known.properties).map(([key, value]) => [key, example(value, depth + 1)]))
}

function schemaView(schema) {
  const known = resolved(schema)
  const shape = element("pre", {}, JSON.stringify(example(schema), null, 2))
  const properties = known && known.properties
  if (!properties) return element("div", {}, shape)
  const required = new Set(known.required || [])
  const rows = Object.entries(properties).map(([name, value]) =>
    element("tr", {}, element("td", {}, element("code", {}, name)), element("td", {}, nameOf(value)),
      element("td", {}, [required.has(name) ? "required" : "", resolved(value)?.description || ""].filter(Boolean).join(" · "))))
  return element("div", {}, element("table", {}, ...rows), shape)
}

function bodyOf(operation) {
  const content = operation.requestBody?.content
  return content && (content["application/json"] || Object.values(content)[0])?.schema
}

async function tryCall(path, method, operation, form, out) {
  const data = new FormData(form)
  const headers = { "Accept-Language": navigator.language }
  const query = new URLSearchParams()
  let target = path
  for (const parameter of operation.parameters || []) {
    const value = String(data.get(parameter.name) ?? "")
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(value))
    else if (value && parameter.in === "query") query.append(parameter.name, value)
    else if (value && parameter.in === "header") headers[parameter.name] = value
  }
  const request = { method: method.toUpperCase(), headers }
  if (data.has("body")) {
    headers["Content-Type"] = "application/json"
    request.body = data.get("body")
  }
  const address = query.size ? `${target}?${query}` : target
  const began = performance.now()
  try {
    const answer = await fetch(address, request)
    const text = await answer.text()
    let shown = text
    try { shown = JSON.stringify(JSON.parse(text), null, 2) } catch { /* not JSON: as it is */ }
    out.textContent = `${answer.status} · ${Math.round(performance.now() - began)} ms\n${shown}`
  } catch (error) {
    out.textContent = `No answer: ${error.message}`
  }
}

function tryView(path, method, operation) {
  const fields = (operation.parameters || []).map((parameter) =>
    element("label", {}, element("h3", {}, parameter.name), element("input", {
      name: parameter.name, required: Boolean(parameter.required),
      value: parameter.name === "Idempotency-Key" ? crypto.randomUUID() : "",
    })))
  const schema = bodyOf(operation)
  if (schema) {
    fields.push(element("label", {}, element("h3", {}, "body"),
      element("textarea", { name: "body", spellcheck: false, value: JSON.stringify(example(schema), null, 2) })))
  }
  const out = element("pre", { hidden: true })
  const form = element("form", {}, ...fields, element("p", {}, element("button", { type: "submit" }, "Send")), out)
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    out.hidden = false
    out.textContent = "…"
    tryCall(path, method, operation, form, out)
  })
  return element("details", {}, element("summary", {}, "Try it"), form)
}

function callView(path, method, operation) {
  const door = operation["x-door"] || {}
  const details = element("details", { className: "call", id: operation.operationId || "" })
  const parameters = (operation.parameters || []).map((parameter) =>
    element("tr", {}, element("td", {}, element("code", {}, parameter.name)),
      element("td", {}, `${parameter.in}${parameter.required ? ", required" : ""}`),
      element("td", {}, nameOf(parameter.schema)), element("td", {}, parameter.description || "")))
  details.append(element("summary", {}, element("b", { className: `method ${method}` }, method.toUpperCase()),
    element("code", {}, path), element("span", {}, operation.summary || "")))
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return
    const answers = Object.entries(operation.responses || {}).filter(([status]) => status !== "default").flatMap(([status, answer]) => {
      const schema = Object.values(answer.content || {})[0]?.schema
      return [element("h3", {}, `Answer ${status}: ${nameOf(schema)}`), schema ? schemaView(schema) : null]
    })
    const schema = bodyOf(operation)
    details.append(element("div", {},
      operation.description ? element("p", {}, operation.description) : null,
      element("p", { className: "hint" }, `For ${DOORS[door.who] || "anybody"}${door.permission ? ` with the permission ${door.permission}` : ""}.`),
      parameters.length ? element("h3", {}, "Parameters") : null,
      parameters.length ? element("table", {}, ...parameters) : null,
      schema ? element("h3", {}, `Body: ${nameOf(schema)}`) : null, schema ? schemaView(schema) : null,
      ...answers, tryView(path, method, operation)))
  })
  return details
}

async function show() {
  const main = document.getElementById("main")
  const [description, codes] = await Promise.all(["/api/openapi.json", "/api/problems"].map((path) => fetch(path).then((r) => r.json())))
  api = description
  main.replaceChildren()
  const faces = new Map()
  for (const [path, item] of Object.entries(api.paths).sort()) {
    for (const method of METHODS.filter((each) => item[each])) {
      const face = (item[method].tags || ["other"])[0]
      if (!faces.has(face)) faces.set(face, [])
      faces.get(face).push(callView(path, method, item[method]))
    }
  }
  for (const [face, calls] of [...faces].sort()) {
    const about = (api.tags || []).find((tag) => tag.name === face)?.description
    main.append(element("section", { id: face }, element("h2", {}, face), about ? element("p", { className: "hint" }, about) : null, ...calls))
  }
  const rows = codes.map((each) => element("tr", { id: each.code }, element("td", {}, element("code", {}, each.code)),
    element("td", {}, String(each.status)), element("td", {}, each.en), element("td", {}, each.zh)))
  main.append(element("section", { id: "problems" }, element("h2", {}, "Problems"),
    element("p", { className: "hint" }, "Refusals are application/problem+json (RFC 9457) with one of these codes."), element("table", {}, ...rows)))
  document.getElementById("faces").append(...[...faces.keys()].sort().concat("problems").map((face) => element("a", { href: `#${face}` }, face)))
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const each of main.querySelectorAll("details.call, #problems tr")) {
      const text = each.tagName === "TR" ? each.textContent : each.firstChild.textContent
      each.hidden = !words.every((word) => text.toLowerCase().includes(word))
    }
  })
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView()
}

show().catch((error) => document.getElementById("main").replaceChildren(element("p", {}, `The description could not be read: ${error.message}`)))
