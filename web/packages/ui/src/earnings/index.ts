export { type BankDraft, bankBody, bankFaults, doubtful, emptyBank, grouped, plainNumber } from "./bank"
export { default as BankFields } from "./BankFields.vue"
export { default as EarningsView } from "./EarningsView.vue"
export { default as PayoutAccount } from "./PayoutAccount.vue"
