/** Why there is no picture: the page may not ask, the person said no, there is no camera, another app has it. */
export type CameraTrouble = "insecure" | "refused" | "none" | "busy"

export interface Camera {
  stream: MediaStream
  torch: ((on: boolean) => Promise<void>) | null
  close: () => void
}

export async function openCamera(): Promise<Camera | CameraTrouble> {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return "insecure"
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } },
    })
    const [track] = stream.getVideoTracks()
    if (!track) return "none"
    const can = (track.getCapabilities?.() ?? {}) as MediaTrackCapabilities & { torch?: boolean; focusMode?: string[] }
    if (can.focusMode?.includes("continuous")) void track.applyConstraints({ advanced: [{ focusMode: "continuous" } as MediaTrackConstraintSet] }).catch(() => undefined)
    return {
      stream,
      torch: can.torch ? (on) => track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] }) : null,
      close: () => stream.getTracks().forEach((one) => one.stop()),
    }
  } catch (error) {
    const name = error instanceof DOMException ? error.name : ""
    if (name === "NotAllowedError" || name === "SecurityError") return "refused"
    if (name === "NotReadableError" || name === "AbortError") return "busy"
    return "none"
  }
}
