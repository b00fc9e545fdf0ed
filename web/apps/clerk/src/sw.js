/*
 * Keeps the app's own files, so that it opens without a network, and the pictures of goods, which never change.
 * It never answers for the API: what is old is said to be old by the app itself.
 */
const VERSION = "__VERSION__"
const FILES = ["__FILES__"]
const SHELL = `shell-${VERSION}`
const PICTURES = "pictures-1"
const PICTURES_MAX = 400
const PAGE = "/clerk/"
const PATIENCE_MS = 3000

self.addEventListener("install", (event) => {
  event.waitUntil(keep([PAGE, "/clerk/icon.svg", "/clerk/manifest.webmanifest", ...FILES]))
})

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("shell-") && name !== SHELL).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  )
})

// A new version takes over when the clerk says so, never in the middle of a sale.
self.addEventListener("message", (event) => event.data === "take over" && self.skipWaiting())

self.addEventListener("fetch", (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== "GET" || url.origin !== location.origin) return
  if (request.mode === "navigate" && url.pathname.startsWith(PAGE)) event.respondWith(page(request))
  else if (url.pathname.startsWith("/clerk/assets/")) event.respondWith(file(request))
  else if (url.pathname === "/clerk/icon.svg" || url.pathname === "/clerk/manifest.webmanifest") event.respondWith(file(request))
  else if (url.pathname.startsWith("/media/")) event.respondWith(picture(event))
})

/** All or nothing: a shell with holes would open to a blank page. */
async function keep(addresses) {
  const cache = await caches.open(SHELL)
  const answers = await Promise.all(addresses.map((address) => fetch(address, { cache: "no-cache" })))
  const bad = answers.findIndex((answer, at) => !(addresses[at] === PAGE ? answer.ok : isFile(answer)))
  if (bad >= 0) throw new Error(`${addresses[bad]} is not there`)
  await Promise.all(answers.map((answer, at) => cache.put(addresses[at], answer)))
}

/** A file that is gone may be answered with the page itself; that must never be kept in its place. */
function isFile(answer) {
  return answer.ok && !(answer.headers.get("content-type") ?? "").startsWith("text/html")
}

/** The page from the network while it is quick; the kept one when it is slow, gone or ill. */
async function page(request) {
  const cache = await caches.open(SHELL)
  const kept = await cache.match(PAGE)
  const slow = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
  const fresh = fetch(request).catch(() => undefined)
  const answer = await (kept ? Promise.race([fresh, slow]) : fresh)
  if (answer && (answer.ok || answer.type === "opaqueredirect")) return answer
  return kept ?? (await fresh) ?? Response.error()
}

/** Files with a hash in their name never change. */
async function file(request) {
  const cache = await caches.open(SHELL)
  const kept = await cache.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (isFile(answer)) await cache.put(request, answer.clone())
  return answer
}

async function picture(event) {
  const cache = await caches.open(PICTURES)
  const kept = await cache.match(event.request)
  if (kept) return kept
  const answer = await fetch(event.request)
  if (isFile(answer)) event.waitUntil(cache.put(event.request, answer.clone()).then(() => trim(cache)))
  return answer
}

async function trim(cache) {
  const names = await cache.keys()
  await Promise.all(names.slice(0, Math.max(0, names.length - PICTURES_MAX)).map((name) => cache.delete(name)))
}
