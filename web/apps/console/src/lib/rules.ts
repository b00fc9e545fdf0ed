import { asProblem } from "@duoline/client"
import { t } from "@duoline/i18n"
import { toast } from "@duoline/ui"
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue"
import { list } from "../api"
import { fieldProblems } from "../api/problems"
import type { AuditLine, Policy, PolicyVersion } from "../api/types"
import { useDraft, type Draft } from "./draft"
import { useLoad, type Loaded } from "./load"
import { may } from "./session"
import type { Faults } from "./typed"

export { hundredthsOf, typedHundredths, wholeOf, type Faults } from "./typed"

export interface Rules<Body, Form> extends Loaded<Policy> {
  draft: Draft<Form>
  body: ComputedRef<Body>
  /** What is not right yet, by field: ours at once, the back end's once it has refused. */
  faults: ComputedRef<Faults>
  sound: ComputedRef<boolean>
  /** Who decided each version and why, from the audit log. */
  reasons: ComputedRef<Map<number | undefined, AuditLine>>
  refused: ShallowRef<unknown>
  /** Who looks on and may change nothing. */
  fixed: ComputedRef<boolean>
  /** The decision is being asked for. */
  deciding: Ref<boolean>
  /** Asks for the decision, or leads to the first thing that is not right yet. */
  onSave: () => void
  /** Decided: what was typed is what holds, and is read again. */
  onDone: () => Promise<void>
  /** Takes an earlier version up into the editor. */
  onTake: (version: PolicyVersion) => void
}

/** A policy with an editor of its own: `formOf` and `bodyOf` lead from what is kept to what is typed and back. */
export function useRules<Body, Form>(kind: string, empty: Form, formOf: (body: Body) => Form, bodyOf: (form: Form) => { body: Body; faults: Faults }): Rules<Body, Form> {
  const draft = useDraft<Form>(empty)
  const refused = shallowRef<unknown>(null)
  const loaded = useLoad<Policy>(async () => {
    const found = (await list<Policy>("policies")).items.find((policy) => policy.kind === kind)
    if (!found) throw new Error(`no policy ${kind}`)
    draft.settle(formOf(found.current.body as Body))
    return found
  })
  const { data: story } = useLoad(async () => (may("audit.read") ? (await list<AuditLine>("audit", { subject_kind: "policy", subject: kind, limit: 100 })).items : []))
  const read = computed(() => bodyOf(draft.value.value))
  const sound = computed(() => Object.keys(read.value.faults).length === 0)
  const deciding = ref(false)
  const told = computed(() => (refused.value && asProblem(refused.value).status === 422 ? Object.fromEntries(Object.entries(fieldProblems(refused.value)).map(([field, why]) => [field.replace(/^body\./, ""), why])) : {}))
  return {
    ...loaded,
    draft,
    refused,
    body: computed(() => read.value.body),
    faults: computed(() => ({ ...told.value, ...read.value.faults })),
    sound,
    reasons: computed(() => new Map((story.value ?? []).map((line) => [(line.after as { version?: number } | null)?.version, line]))),
    fixed: computed(() => !may("policies.edit")),
    deciding,
    onSave() {
      refused.value = null
      if (sound.value) deciding.value = true
      else document.querySelector("[aria-invalid=true], .field-error")?.scrollIntoView({ block: "center", behavior: "smooth" })
    },
    async onDone() {
      draft.settle(draft.value.value)
      await loaded.reload()
    },
    onTake(version) {
      draft.value.value = formOf(version.body as Body)
      toast({ text: t("policies.taken_up", { n: version.version }) })
    },
  }
}
