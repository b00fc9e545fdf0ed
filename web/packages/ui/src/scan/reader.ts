import type { DecodeAnswer, DecodeAsk } from "./decode.worker"

/** What a code reader is given: the camera's picture or a still one. */
type Source = HTMLVideoElement | ImageBitmap
export interface CodeReader {
  read: (source: Source, options: { hard: boolean }) => Promise<string[]>
  close: () => void
}

interface NativeDetector {
  detect: (source: Source) => Promise<{ rawValue: string }[]>
}
interface NativeDetectorClass {
  new (options: { formats: string[] }): NativeDetector
  getSupportedFormats: () => Promise<string[]>
}

const NEEDED = ["qr_code", "ean_13"]
const LIKED = ["ean_8", "upc_a", "upc_e", "code_128", "data_matrix", "itf"]
const SIDE_MAX = { video: 960, still: 1600 } // px; larger only costs time

/** The phone's own reader where it knows QR and EAN, else ours. */
export async function openReader(): Promise<CodeReader> {
  return (await nativeReader()) ?? ownReader()
}

async function nativeReader(): Promise<CodeReader | null> {
  const Native = (globalThis as { BarcodeDetector?: NativeDetectorClass }).BarcodeDetector
  if (!Native) return null
  try {
    const known = await Native.getSupportedFormats()
    if (!NEEDED.every((format) => known.includes(format))) return null
    const detector = new Native({ formats: [...NEEDED, ...LIKED.filter((format) => known.includes(format))] })
    return { read: async (source) => (await detector.detect(source)).map((one) => one.rawValue), close: () => undefined }
  } catch {
    return null // some phones have the class and no service behind it
  }
}

function ownReader(): CodeReader {
  const worker = new Worker(new URL("./decode.worker.ts", import.meta.url), { type: "module" })
  const canvas = document.createElement("canvas")
  const context = canvas.getContext("2d", { willReadFrequently: true })
  const waiting = new Map<number, { done: (texts: string[]) => void; failed: (why: Error) => void }>()
  let serial = 0
  worker.addEventListener("message", ({ data }: MessageEvent<DecodeAnswer>) => {
    const asked = waiting.get(data.id)
    waiting.delete(data.id)
    if (data.texts) asked?.done(data.texts)
    else asked?.failed(new Error("reader"))
  })
  worker.addEventListener("error", () => {
    for (const asked of waiting.values()) asked.failed(new Error("reader"))
    waiting.clear()
  })
  return {
    read: (source, { hard }) => {
      const [width, height] = source instanceof HTMLVideoElement ? [source.videoWidth, source.videoHeight] : [source.width, source.height]
      if (!context || !width || !height) return Promise.resolve([])
      const scale = Math.min(1, (hard ? SIDE_MAX.still : SIDE_MAX.video) / Math.max(width, height))
      canvas.width = Math.round(width * scale)
      canvas.height = Math.round(height * scale)
      context.drawImage(source, 0, 0, canvas.width, canvas.height)
      const image = context.getImageData(0, 0, canvas.width, canvas.height)
      return new Promise((done, failed) => {
        waiting.set(++serial, { done, failed })
        worker.postMessage({ id: serial, image, hard } satisfies DecodeAsk, [image.data.buffer])
      })
    },
    close: () => worker.terminate(),
  }
}
