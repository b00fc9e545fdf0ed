import { clerk } from "@duoline/client/clerk"
import { reactive } from "vue"
import { listen } from "./live"
import { may, storeCode } from "./session"

/** How many tasks missing units have left in this shop; null until it is known. */
export const missing = reactive({ tasks: null as number | null })

export async function countMissing(): Promise<void> {
  if (!storeCode.value || !may("stock.count")) return void (missing.tasks = null)
  try {
    missing.tasks = (await clerk.shortages(storeCode.value)).items.length
  } catch {
    // The badge is a hint; the page itself says what went wrong.
  }
}
const again = () => void countMissing()
listen({ shortage: again, back: again })
