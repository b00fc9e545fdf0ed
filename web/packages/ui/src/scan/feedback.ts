/** What a page says about a reading; `stay` keeps the camera open for the next one. */
export interface Feedback {
  tone: "good" | "warn" | "bad"
  text: string
  stay: boolean
}
