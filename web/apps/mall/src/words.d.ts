/** The face's Chinese words: those that the first page says, and those that later pages do. */
declare module "virtual:words/first" {
  const words: { [key: string]: string }
  export default words
}
declare module "virtual:words/later" {
  const words: { [key: string]: string }
  export default words
}
