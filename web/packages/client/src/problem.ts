/** RFC 9457 problem, as every refusal of the API arrives. `fields` holds the refusal's own data. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  /** A sentence in the reader's language that says what to do next. */
  readonly detail: string
  readonly instance: string | null
  readonly fields: Record<string, unknown>

  constructor(status: number, body: Record<string, unknown>) {
    const { type: _type, title, status: _status, detail, code, instance, ...fields } = body
    super(String(detail ?? title ?? code ?? status))
    this.name = "Problem"
    this.status = status
    this.code = String(code ?? `http.${status}`)
    this.title = String(title ?? "")
    this.detail = String(detail ?? title ?? "")
    this.instance = typeof instance === "string" ? instance : null
    this.fields = fields
  }

  /** True when nothing is known about the outcome or the server asks to try again: repeat with the same key. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 503 || this.status === 502 || this.status === 504 || this.status === 408
  }
}

/** The network did not answer. Whether the server acted is unknown, so only the same key may be sent again. */
export function offlineProblem(cause: unknown): Problem {
  const problem = new Problem(0, { code: "net.offline", title: "", detail: "" })
  problem.cause = cause
  return problem
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem(-1, { code: "face.fault", title: "", detail: error instanceof Error ? error.message : String(error) })
}
