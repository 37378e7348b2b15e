// Reads raw images with a model, and prints a line of JSON for each: node replay.mjs READER MODEL IMAGES [PLAIN]
import {readFile} from 'node:fs/promises'
import {pathToFileURL} from 'node:url'
const [, , reader, model, images, plain] = process.argv
const {load} = await import(pathToFileURL(reader))
const r = await load(pathToFileURL(model), plain ? {simd: false} : {})
const bytes = new Uint8Array(await readFile(images)), view = new DataView(bytes.buffer)
for (let at = 0; at < bytes.length;) {
  const width = view.getUint32(at, true), height = view.getUint32(at+4, true), n = width*height*4
  const image = {width, height, data: bytes.subarray(at+8, at+8+n)}
  const start = performance.now()
  const {best, text, probability, certified} = r.read(image)
  console.log(JSON.stringify({best, text, probability, certified, ms: performance.now()-start, simd: r.simd}))
  at += 8+n
}
