export interface Pixels { width: number; height: number; data: Uint8Array | Uint8ClampedArray }
export interface Character { char: string; probability: number; left: number; right: number }
export interface Reading {
  /** `null` if unsure: the probability is too low, or the image has no text */
  text: string | null
  /** of the most probable text */
  probability: number
  /** is it proven that no other text is more probable? */
  certified: boolean
  /** the most probable text, sure or not */
  best: string
  /** of `best`; edges in pixels of the image */
  readonly characters: Character[]
}
export interface Rules {
  /** numbers of characters; `null` lifts the reader's own */
  lengths?: number | number[] | null
  /** characters, or those of each position */
  allowed?: string | string[]
  /** readings below it are unsure */
  minProbability?: number
  /** of the answers, e.g. 0.98, instead of `minProbability` */
  accuracy?: number
}
export interface Options { /** `false` reads without WebAssembly; `true` fails without SIMD */ simd?: boolean }
export class Reader {
  constructor(model: Uint8Array, options?: Options)
  readonly simd: boolean
  readonly chars: string[]
  read(image: Pixels, rules?: Rules): Reading
}
/** Load a reader from the address or the content of `model.bin`; by default the one beside this module */
export function load(source?: string | URL | ArrayBuffer | Uint8Array, options?: Options): Promise<Reader>
/** In browsers: the pixels of an image file, upright; an `Error` says why it cannot be read */
export function pixelsOf(blob: Blob, maxPixels?: number): Promise<ImageData>
