/*
 * Keeps the shell of the mall, so that a page opens without a network and can say so, and the member card, which needs
 * none for hours. Data is never kept here: a price or a stock figure that is not of this minute is worse than none.
 */
const VERSION = "__VERSION__"
const FILES = ["__FILES__"]
const SHELL = `duoline-mall-shell-${VERSION}`
const OTHERS = "duoline-mall-files-1"
const FILES_MAX = 80
const NOT_OURS = /^\/(api|media|sandbox|dev|clerk|console|metrics|healthz|readyz)(\/|$)/

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then(async (cache) => {
        await keep(cache, await fetch(new Request("/", { cache: "reload" })))
        await cache.addAll(FILES) // their names carry a digest: what the browser has is not fetched again
      })
      .then(() => self.skipWaiting()),
  )
})

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("duoline-mall-") && name !== SHELL && name !== OTHERS).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  )
})

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== "GET" || url.origin !== location.origin || NOT_OURS.test(url.pathname)) return
  if (event.request.mode === "navigate") event.respondWith(page(event.request))
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(event.request))
})

/** The shell without what the server put into it: no prices, no stock, no answer of the API. */
async function keep(cache, answer) {
  if (!answer.ok) throw new Error(String(answer.status))
  const page = await answer.text()
  const bare = page.replace(/<script type="application\/json" id="boot">.*?<\/script>/s, "").replace(/(<div id="app">).*(<\/div>\s*<\/body>)/s, "$1$2")
  const headers = new Headers({ "content-type": "text/html; charset=utf-8" })
  const policy = answer.headers.get("content-security-policy")
  if (policy) headers.set("content-security-policy", policy)
  await cache.put("/", new Response(bare, { headers }))
}

/** The server's own page while there is a network; else the kept shell, whose router knows the address. */
async function page(request) {
  try {
    const answer = await fetch(request)
    if (answer.ok && new URL(request.url).pathname === "/") {
      await keep(await caches.open(SHELL), answer.clone())
    }
    return answer
  } catch (error) {
    const kept = await caches.match("/")
    if (kept) return kept
    throw error
  }
}

/** Files with a digest in their name never change. The oldest go when there are too many. */
async function asset(request) {
  const kept = await caches.match(request)
  if (kept) return kept
  const answer = await fetch(request)
  if (answer.ok) {
    const cache = await caches.open(OTHERS)
    await cache.put(request, answer.clone())
    const files = await cache.keys()
    await Promise.all(files.slice(0, Math.max(0, files.length - FILES_MAX)).map((old) => cache.delete(old)))
  }
  return answer
}
