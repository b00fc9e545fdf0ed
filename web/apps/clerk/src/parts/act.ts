import { ref, type Ref } from "vue"
import { expired } from "../state/session"
import { signal } from "../state/signal"

/** One thing being done: busy while it runs, and its failure, to be shown where it arose. */
export function useAct(): { busy: Ref<boolean>; error: Ref<unknown>; act: <T>(work: () => Promise<T>) => Promise<T | undefined> } {
  const busy = ref(false)
  const error = ref<unknown>(null)
  async function act<T>(work: () => Promise<T>): Promise<T | undefined> {
    busy.value = true
    error.value = null
    try {
      return await work()
    } catch (caught) {
      signal("refused")
      if (!expired(caught)) error.value = caught
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { busy, error, act }
}
