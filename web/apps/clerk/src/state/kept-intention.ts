import { asProblem, newKey } from "@duoline/client"
import { recall, remember } from "./memory"
import { patiently } from "./patience"

interface Kept<B> {
  key: string
  body: B
}

/**
 * An intention that outlives the app: where money is taken, key and content are kept on the phone until the outcome is
 * known, so that even a phone that died between sending and answer cannot do it twice. While the outcome is unknown,
 * `run` asks for exactly that again, whatever it is given.
 */
export class KeptIntention<B> {
  constructor(private readonly name: string) {}

  /** What was sent and never answered; null when nothing is open. */
  get open(): B | null {
    return recall<Kept<B> | null>(`intention.${this.name}`, null)?.body ?? null
  }

  async run<T>(wanted: B, act: (body: B, key: string) => Promise<T>): Promise<T> {
    const { key, body } = recall<Kept<B> | null>(`intention.${this.name}`, null) ?? { key: newKey(), body: wanted }
    remember(`intention.${this.name}`, { key, body } satisfies Kept<B>)
    try {
      const answer = await patiently(() => act(body, key))
      remember(`intention.${this.name}`, null)
      return answer
    } catch (error) {
      const { retryable, status } = asProblem(error)
      if (!retryable && status !== 401) remember(`intention.${this.name}`, null)
      throw error
    }
  }
}
