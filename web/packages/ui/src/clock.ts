import { onScopeDispose, ref, type Ref } from "vue"

/** The present instant, renewed every `every_s` seconds while the component lives. */
export function useNow(every_s = 30): Ref<Date> {
  const now = ref(new Date())
  const timer = setInterval(() => (now.value = new Date()), every_s * 1000)
  onScopeDispose(() => clearInterval(timer))
  return now
}
