import { ref } from "vue"

export interface ConfirmInput {
  title: string
  /** Names what is lost. */
  text?: string
  yes: string
  no?: string
  danger?: boolean
}

export const asked = ref<(ConfirmInput & { answer: (yes: boolean) => void }) | null>(null)

/** Asks before a destructive step; resolves false when the question is dismissed. */
export function confirm(input: ConfirmInput): Promise<boolean> {
  asked.value?.answer(false)
  return new Promise((resolve) => {
    asked.value = {
      ...input,
      answer: (yes) => {
        asked.value = null
        resolve(yes)
      },
    }
  })
}
