/** Small things this browser remembers. Storage is refused in some in-app browsers; then they last for the visit. */
const visit = new Map<string, string>()

/** Another tab wrote or dropped this, or everything. */
export function changedElsewhere(name: string | null): void {
  if (name === null) visit.clear()
  else visit.delete(name)
}

export function remember(name: string, value: unknown): void {
  const text = JSON.stringify(value)
  visit.set(name, text)
  try {
    localStorage.setItem(`duoline.${name}`, text)
  } catch {
    // Kept for the visit above.
  }
}

export function recall<T>(name: string): T | null {
  let text = visit.get(name) ?? null
  try {
    text ??= localStorage.getItem(`duoline.${name}`)
  } catch {
    // Nothing is stored.
  }
  try {
    return text === null ? null : (JSON.parse(text) as T)
  } catch {
    return null
  }
}

export function forget(name: string): void {
  visit.delete(name)
  try {
    localStorage.removeItem(`duoline.${name}`)
  } catch {
    // Nothing was stored.
  }
}
