import type { Image, OptionText, StockLine, Text } from "@duoline/client"
import { computed, reactive } from "vue"

export interface HomeLine {
  sku_id: string
  sku_code: string
  name: Text
  options: OptionText[]
  image: Image | null
  quantity: number
}

const nobody = () => ({ name: "", phone: "", province: "", city: "", district: "", line: "" })

/** The order being made for a customer. It is forgotten with the page's memory: nobody's address stays on the phone. */
export const home = reactive({ lines: [] as HomeLine[], customer: nobody() })
export const homeCount = computed(() => home.lines.reduce((sum, line) => sum + line.quantity, 0))

/** One more of an article. */
export function addToHome({ sku_id, sku_code, name, options, image }: StockLine): HomeLine {
  let line = home.lines.find((one) => one.sku_id === sku_id)
  if (line) line.quantity += 1
  else {
    home.lines.push({ sku_id, sku_code, name, options, image, quantity: 1 })
    line = home.lines[home.lines.length - 1] as HomeLine
  }
  return line
}

export function clearHome(): void {
  home.lines = []
  home.customer = nobody()
}
