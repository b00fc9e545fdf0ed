/** A chain's own colours. Everything else follows from these two and the logo. */
export interface Theme {
  shop?: string
  online?: string
  logo_url?: string
}

/** Relative luminance after WCAG 2.2. `hex` is #rrggbb. */
function luminance(hex: string): number {
  const channel = (from: number) => {
    const value = Number.parseInt(hex.slice(from, from + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

/** 1 to 21; text needs 4.5, edges of controls 3. */
export function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

/** Sets the two lines' colours, refusing a colour that could not be read as text on white. */
export function applyTheme(theme: Theme, root: HTMLElement = document.documentElement): string[] {
  const refused: string[] = []
  for (const line of ["shop", "online"] as const) {
    const colour = theme[line]
    if (!colour) continue
    if (!/^#[0-9a-f]{6}$/i.test(colour) || contrast(colour, "#ffffff") < 4.5) {
      refused.push(line)
      continue
    }
    root.style.setProperty(`--${line}-fill`, colour)
    root.style.setProperty(`--${line}-press`, `color-mix(in srgb, ${colour} 84%, black)`)
    if (root.dataset["theme"] !== "dark") {
      root.style.setProperty(`--${line}`, colour)
      root.style.setProperty(`--${line}-soft`, `color-mix(in srgb, ${colour} 9%, white)`)
    }
  }
  return refused
}
