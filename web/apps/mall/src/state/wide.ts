import { readonly, ref } from "vue"

const query = matchMedia("(min-width: 800px)")
const now = ref(query.matches)
query.addEventListener("change", () => (now.value = query.matches))

/** True where there is room for two columns. What only one of the two layouts shows is not built for the other. */
export const wide = readonly(now)
