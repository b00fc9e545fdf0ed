import { addWords } from "@duoline/i18n"
import words from "virtual:words/later"

// The words of all pages but the first; each of those pages imports this by itself (words.ts beside vite.config.ts).
addWords(words)
