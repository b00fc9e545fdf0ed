export { default as EarningsView } from "./EarningsView.vue"
