import { asProblem } from "@duoline/client"

const PAUSE_MS = 700

/** In a stockroom one request in many is lost. It is sent once more, with the same key, before anybody is told. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!asProblem(error).retryable || !navigator.onLine) throw error
    await new Promise((next) => setTimeout(next, PAUSE_MS))
    return act()
  }
}
