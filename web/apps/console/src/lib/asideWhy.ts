const KINDS: Record<string, readonly string[]> = {
  gone: ["NotFound", "ForeignKeyViolationError"],
  rule: ["Fault", "CheckViolationError", "RaiseError", "ExclusionViolationError"],
  twice: ["UniqueViolationError"],
  shape: ["KeyError", "ValueError", "TypeError", "IndexError", "AttributeError", "ValidationError", "DecodeError", "NotNullViolationError"],
}

/** What kind of thing went wrong, from the name of the error that the record begins with (`KeyError: 'order_id'`). */
export function whyOf(problem: string): string {
  const name = /^[\w.]*?(\w+)(?::|$)/.exec(problem)?.[1] ?? ""
  return Object.keys(KINDS).find((kind) => KINDS[kind]!.includes(name)) ?? "other"
}
