/** What this phone remembers. Storage can be refused or full; then the app works without a memory. */
export function recall<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`duoline.clerk.${name}`)
    return text === null ? otherwise : (JSON.parse(text) as T)
  } catch {
    return otherwise
  }
}

export function remember(name: string, value: unknown): void {
  try {
    if (value === null || value === undefined) localStorage.removeItem(`duoline.clerk.${name}`)
    else localStorage.setItem(`duoline.clerk.${name}`, JSON.stringify(value))
  } catch {
    // Forgetting is no reason to stop.
  }
}
