import { Intention } from "@duoline/client"
import { ref, type Ref } from "vue"

export interface Intended {
  /** It is on its way. */
  busy: Ref<boolean>
  /** Why it was refused the last time; null while it was not. */
  fault: Ref<unknown>
  /**
   * Sends it once under the intention's key and tells what came of it. What is refused stands in `fault`, and what was
   * typed stays for another try. `what` is what the key is for.
   */
  run: <T>(what: unknown, act: (key: string) => Promise<T>, tell: (answer: T) => void) => Promise<void>
}

/** One thing that somebody can want of a sheet or form. */
export function useIntention(): Intended {
  const busy = ref(false)
  const fault = ref<unknown>(null)
  const intention = new Intention()

  async function run<T>(what: unknown, act: (key: string) => Promise<T>, tell: (answer: T) => void): Promise<void> {
    busy.value = true
    fault.value = null
    try {
      tell(await intention.run(what, act))
    } catch (problem) {
      fault.value = problem
    } finally {
      busy.value = false
    }
  }
  return { busy, fault, run }
}
