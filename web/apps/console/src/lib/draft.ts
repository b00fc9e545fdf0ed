import { t } from "@duoline/i18n"
import { confirm } from "@duoline/ui"
import { computed, onBeforeUnmount, onMounted, ref, type ComputedRef, type Ref } from "vue"
import { onBeforeRouteLeave } from "vue-router"

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

export interface Draft<T> {
  value: Ref<T>
  saved: Ref<T>
  dirty: ComputedRef<boolean>
  /** What the server now holds; the draft becomes it. */
  settle: (value: T) => void
  revert: () => void
}

/** An editor's own copy of what is saved. Leaving with changes asks first. */
export function useDraft<T>(initial: T): Draft<T> {
  const value = ref(copy(initial)) as Ref<T>
  const saved = ref(copy(initial)) as Ref<T>
  const dirty = computed(() => JSON.stringify(value.value) !== JSON.stringify(saved.value))

  const onUnload = (event: BeforeUnloadEvent) => dirty.value && event.preventDefault()
  onMounted(() => addEventListener("beforeunload", onUnload))
  onBeforeUnmount(() => removeEventListener("beforeunload", onUnload))
  onBeforeRouteLeave(async () => {
    if (!dirty.value) return true
    return confirm({ title: t("draft.leave"), text: t("draft.leave_text"), yes: t("draft.discard"), no: t("draft.stay"), danger: true })
  })

  return {
    value,
    saved,
    dirty,
    settle(now) {
      value.value = copy(now)
      saved.value = copy(now)
    },
    revert() {
      value.value = copy(saved.value)
    },
  }
}
