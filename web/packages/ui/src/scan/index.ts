export { default as ScanView } from "./ScanView.vue"
export type { Feedback } from "./feedback"
