import { settings } from "./settings"

/**
 * Sounds are made, not downloaded: short notes from the phone's own synthesiser. Browsers keep a page silent until
 * it has been touched once, so the first touch anywhere opens the sound.
 */
let audio: AudioContext | null = null

function open(): void {
  if (!("AudioContext" in window)) return
  audio ??= new AudioContext()
  if (audio.state === "suspended") void audio.resume().catch(() => undefined)
}
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, open, { passive: true, capture: true })

/** [frequency in Hz, start in s, length in s] */
type Note = readonly [number, number, number]

const NOTES = {
  arrived: [[659, 0, 0.16], [988, 0.15, 0.34]],
  waiting: [[784, 0, 0.12], [1047, 0.12, 0.12], [1319, 0.24, 0.3], [784, 0.7, 0.12], [1047, 0.82, 0.12], [1319, 0.94, 0.3]],
  read: [[1319, 0, 0.07]],
  counted: [[880, 0, 0.06], [1175, 0.06, 0.08]],
  done: [[659, 0, 0.1], [784, 0.1, 0.1], [1047, 0.2, 0.26]],
  refused: [[196, 0, 0.2], [165, 0.16, 0.24]],
} as const satisfies Record<string, readonly Note[]>

const BUZZ: Record<keyof typeof NOTES, number[]> = {
  arrived: [90, 60, 90],
  waiting: [120, 60, 120, 240, 120, 60, 120],
  read: [30],
  counted: [30],
  done: [40, 40, 120],
  refused: [180],
}

export function signal(what: keyof typeof NOTES): void {
  if (settings.buzz && "vibrate" in navigator && navigator.userActivation?.hasBeenActive !== false) navigator.vibrate(BUZZ[what])
  if (!settings.sound || !audio || audio.state !== "running") return
  const from = audio.currentTime + 0.02
  for (const [pitch, start, length] of NOTES[what]) {
    const tone = audio.createOscillator()
    const loud = audio.createGain()
    tone.type = what === "refused" ? "square" : "triangle"
    tone.frequency.value = pitch
    loud.gain.setValueAtTime(0.0001, from + start)
    loud.gain.exponentialRampToValueAtTime(what === "refused" ? 0.08 : 0.28, from + start + 0.015)
    loud.gain.exponentialRampToValueAtTime(0.0001, from + start + length)
    tone.connect(loud).connect(audio.destination)
    tone.start(from + start)
    tone.stop(from + start + length + 0.02)
  }
}
