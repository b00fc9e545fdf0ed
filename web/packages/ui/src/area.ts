/** Apart from the rest, because the list of places is large: imported when somebody writes an address. */
export { default } from "./AreaSelect.vue"
