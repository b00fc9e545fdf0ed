import { face } from "../../vite.shared.ts"

export default face({ name: "console", base: "/console/" })
