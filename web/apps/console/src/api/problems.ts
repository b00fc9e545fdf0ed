import { asProblem } from "@duoline/client"
import { t } from "@duoline/i18n"

/**
 * What the server says of single fields, by field name. A refusal names them in `problems`, with a sentence in the
 * reader's language (`reason`) or a stable word that we put into words (`problem`).
 */
export function fieldProblems(error: unknown): Record<string, string> {
  const problems = asProblem(error).fields["problems"]
  if (!Array.isArray(problems)) return {}
  const found: Record<string, string> = {}
  for (const one of problems as Record<string, unknown>[]) {
    const field = String(one["field"] ?? "")
    const sentence = one["reason"]
    const word = typeof one["problem"] === "string" ? one["problem"] : null
    found[field] = typeof sentence === "string" ? sentence : word && KNOWN.has(word) ? t(`field.${word}`) : t("field.wrong")
  }
  return found
}

const KNOWN = new Set(["missing", "too-long", "bad-code", "bad-key", "bad-count", "twice", "unknown", "unknown-value", "too-many"])
