/** Reads codes off the main thread, so that the page stays quick on a slow phone. The reader is our own file. */
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader"
import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url"

export interface DecodeAsk {
  id: number
  image: ImageData
  /** A still picture deserves a second, slower look; the next video frame is only a moment away. */
  hard: boolean
}
export interface DecodeAnswer {
  id: number
  texts: string[] | null
}

const post = (answer: DecodeAnswer) => (self as unknown as Worker).postMessage(answer)

const ready = prepareZXingModule({
  overrides: { locateFile: (path: string, prefix: string) => (path.endsWith(".wasm") ? wasmUrl : prefix + path) },
  fireImmediately: true,
})

self.addEventListener("message", async ({ data }: MessageEvent<DecodeAsk>) => {
  try {
    await ready
    const found = await readBarcodes(data.image, {
      formats: ["QRCode", "EANUPC", "Code128", "DataMatrix", "ITF14"],
      tryHarder: data.hard,
      tryRotate: true,
      tryInvert: data.hard,
      maxNumberOfSymbols: 4,
    })
    post({ id: data.id, texts: found.map((one) => one.text) })
  } catch {
    post({ id: data.id, texts: null }) // the reader could not be loaded or failed; the page offers typing
  }
})
