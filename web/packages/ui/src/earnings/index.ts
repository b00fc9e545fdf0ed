export { default as EarningsView } from "./EarningsView.vue"
export { default as PayoutAccount } from "./PayoutAccount.vue"
