/** The first API answer, which the server put into the page so that the first view needs no second trip. */
let boot: unknown = parse(document.getElementById("boot")?.textContent)
let bootPath = location.pathname

function parse(text: string | null | undefined): unknown {
  try {
    return text ? JSON.parse(text) : null
  } catch {
    return null
  }
}

/** Hands the answer out once, and only to the page it was made for. */
export function takeBoot<T>(path: string): T | null {
  if (!boot || path !== decodeURIComponent(bootPath)) return null
  const taken = boot as T
  boot = null
  bootPath = ""
  return taken
}
