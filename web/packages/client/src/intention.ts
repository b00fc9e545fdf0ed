import { newKey } from "./http"
import { asProblem } from "./problem"

/**
 * One intention of the user (place this order, cancel that line) holds one idempotency key.
 *
 * The key is kept while the outcome is unknown (no network, 503), so that pressing "retry" can never do
 * the thing twice. It is renewed after a definite answer, and when what is asked for has changed.
 */
export class Intention {
  private key: string | null = null
  private asked = ""

  async run<T>(what: unknown, act: (key: string) => Promise<T>): Promise<T> {
    const asked = JSON.stringify(what ?? null)
    if (this.key === null || this.asked !== asked) this.key = newKey()
    this.asked = asked
    try {
      const answer = await act(this.key)
      this.key = null
      return answer
    } catch (error) {
      if (!asProblem(error).retryable) this.key = null
      throw error
    }
  }
}
