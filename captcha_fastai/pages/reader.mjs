// Reads short strings out of images with a network of the recipe `fast`, in browsers and in Node, as captcha_fastai's Recogniser does:
//   const reader = await load(new URL('model.bin', import.meta.url)); reader.read(imageData) → {text, probability, certified, characters}
// In this order: pixels (what Pillow computes), kernel (WebAssembly, assembled here), network, decoding, Reader.

// ---- pixels. An image is {width, height, channels, data}: rows of pixels of 8 bits

const blend = (value, alpha) => { const x = 128*(value*alpha + 255*(255-alpha)) + 0x4000; return ((x >> 8) + x) >> 15 }

export function overWhite({width, height, data}) {  // RGBA to RGB, as Pillow's alpha_composite
  const out = new Uint8Array(width*height*3)
  for (let i = 0, o = 0; o < out.length; i += 4, o += 3)
    for (let c = 0; c < 3; c++) out[o+c] = data[i+3] == 255 ? data[i+c] : blend(data[i+c], data[i+3])
  return {width, height, channels: 3, data: out}
}

export function toGrey({width, height, data}) {     // RGB to grey, as Pillow's convert('L')
  const out = new Uint8Array(width*height)
  for (let i = 0, o = 0; o < out.length; i += 3, o++) out[o] = (data[i]*19595 + data[i+1]*38470 + data[i+2]*7471 + 0x8000) >> 16
  return {width, height, channels: 1, data: out}
}

function weightsOf(n, m) {  // Pillow's bilinear filter with antialiasing, from n pixels to m: for each, its first pixel and its weights × 2²²
  const scale = n/m, support = Math.max(scale, 1)
  return Array.from({length: m}, (_, i) => {
    const center = (i+.5)*scale
    const first = Math.max(Math.trunc(center-support+.5), 0), end = Math.min(Math.trunc(center+support+.5), n)
    const weights = Array.from({length: end-first}, (_, x) => Math.max(1-Math.abs((x+first-center+.5)/support), 0))
    const sum = weights.reduce((a, b) => a+b, 0)
    return {first, weights: Int32Array.from(weights, o => Math.trunc(.5+o/sum*4194304))}
  })
}

function resizeAxis(data, n, m, before, after, channels) { // along one axis: `before` lines in front of it, `after` pixels behind it
  const out = new Uint8Array(before*m*after*channels), step = after*channels
  weightsOf(n, m).forEach(({first, weights}, i) => {
    for (let b = 0; b < before; b++) for (let a = 0; a < step; a++) {
      let sum = 1 << 21
      for (let x = 0, at = (b*n+first)*step+a; x < weights.length; x++, at += step) sum += data[at]*weights[x]
      out[(b*m+i)*step+a] = Math.min(sum >> 22, 255)
    }
  })
  return out
}

export function resize(image, height, width) {      // Pillow's resize, bilinear: first along rows, of very tall images first along columns
  if (!(height > 0 && width > 0)) throw new Error(`an image of ${image.width}×${image.height} pixels is too long and thin to be read`)
  const {channels} = image, tall = image.height > 100*image.width && height < image.height
  let {data} = image
  const rows = n => { if (image.width != width) data = resizeAxis(data, image.width, width, n, 1, channels) }
  const columns = n => { if (image.height != height) data = resizeAxis(data, image.height, height, 1, n, channels) }
  if (tall) { columns(image.width); rows(height) } else { rows(image.height); columns(width) }
  return {width, height, channels, data}
}

function even(x) {                                  // Python's round
  const low = Math.floor(x), part = x-low
  return part > .5 || part == .5 && low%2 ? low+1 : low
}

function borderColour({width, height, channels, data}) { // the median of the outermost pixels, channel by channel
  const edge = []
  for (let x = 0; x < width; x++) edge.push(x, (height-1)*width+x)
  for (let y = 0; y < height; y++) edge.push(y*width, y*width+width-1)
  return Array.from({length: channels}, (_, c) => {
    const values = edge.map(i => data[i*channels+c]).sort((a, b) => a-b), n = values.length
    return Math.floor((values[(n-1) >> 1] + values[n >> 1])/2)
  })
}

function window_(image, top, left, height, width, colour) { // the part of an image from (top, left) on; outside of it, `colour`
  const {channels} = image, out = new Uint8Array(height*width*channels)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const inside = y+top >= 0 && y+top < image.height && x+left >= 0 && x+left < image.width
    for (let c = 0; c < channels; c++)
      out[(y*width+x)*channels+c] = inside ? image.data[((y+top)*image.width+x+left)*channels+c] : colour[c]
  }
  return {width, height, channels, data: out}
}

function padTo(image, height, width) {              // Pillow's ImageOps.pad, with the colour of the border
  const ratio = image.width/image.height, wanted = width/height
  let h = height, w = width
  if (ratio > wanted) h = Math.max(even(image.height/image.width*width), 1)
  else if (ratio < wanted) w = Math.max(even(image.width/image.height*height), 1)
  const small = resize(image, h, w)
  return window_(small, -even((height-h)*.5), -even((width-w)*.5), height, width, borderColour(image))
}

export function keptWidth(height, width, [toHeight, maxWidth], stretch) {
  const steps = Math.floor((even(width*toHeight/height*stretch)+4)/8)
  return Math.min(Math.max(steps*8, 16), maxWidth)
}

export function prepare(image, config) {            // an image as ImageData holds it, as the network sees it
  const rgb = overWhite(image), {size, crop} = config
  const img = config.grey ? toGrey(rgb) : rgb
  if (config.resize == 'keep') return resize(img, size[0], keptWidth(img.height, img.width, size, config.stretch))
  const same = img.height == size[0] && img.width == size[1]
  const out = config.resize == 'pad' && !same ? padTo(img, ...size) : resize(img, ...size)
  return crop ? window_(out, (size[0]-crop[0]) >> 1, (size[1]-crop[1]) >> 1, ...crop) : out
}

export function paper({width, height, channels, data}) { // the lower median of every third row and column, from 0 to 1
  return Array.from({length: channels}, (_, c) => {
    const counts = new Uint32Array(256)
    let n = 0
    for (let y = 0; y < height; y += 3) for (let x = 0; x < width; x += 3, n++) counts[data[(y*width+x)*channels+c]]++
    let level = 0, seen = counts[0]
    while (seen <= (n-1) >> 1) seen += counts[++level]
    return level/255
  })
}

function sizeOf(b) { // [width, height] from the first bytes of a PNG, GIF, BMP, WebP or JPEG, before it is decoded; null if they do not say
  const v = new DataView(b.buffer, b.byteOffset, b.length), tag = (at, n = 4) => String.fromCharCode(...b.subarray(at, at+n))
  if (b.length < 30) return null
  if (tag(1, 3) == 'PNG') return [v.getUint32(16), v.getUint32(20)]
  if (tag(0, 3) == 'GIF') return [v.getUint16(6, true), v.getUint16(8, true)]
  if (tag(0, 2) == 'BM') return [v.getInt32(18, true), Math.abs(v.getInt32(22, true))]
  if (tag(8) == 'WEBP' && tag(12) == 'VP8X') return [24, 27].map(i => (v.getUint32(i-1, true) >>> 8)+1)
  if (tag(8) == 'WEBP' && tag(12) == 'VP8 ') return [26, 28].map(i => v.getUint16(i, true) & 16383)
  if (tag(8) == 'WEBP') { const n = v.getUint32(21, true); return [(n & 16383)+1, (n >> 14 & 16383)+1] }
  for (let at = 2; v.getUint16(0) == 0xffd8 && at+9 < b.length && b[at] == 255; at += 2+v.getUint16(at+2))
    if (b[at+1] >= 0xc0 && b[at+1] <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(b[at+1])) return [v.getUint16(at+7), v.getUint16(at+5)]
  return null
}

export async function pixelsOf(blob, maxPixels = 20_000_000) { // in browsers: the ImageData of a file, upright, in its own colours
  if (!blob.size) throw new Error('the file is empty (0 bytes)')
  if (blob.size > 8*maxPixels+(1 << 20)) throw new Error(`the file has ${Math.round(blob.size/1e6)} MB, which is too much for an image; make it smaller`)
  const check = ([w, h]) => {
    if (w*h > maxPixels) throw new Error(`the image has ${w}×${h} pixels, more than the ${maxPixels/1e6} million that are allowed; make it smaller`)
  }
  check(sizeOf(new Uint8Array(await blob.slice(0, 1 << 18).arrayBuffer())) || [0, 0])
  let bitmap
  try { bitmap = await createImageBitmap(blob, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'}) }
  catch { throw new Error(/svg/.test(blob.type) ? 'this is an SVG drawing; save it as PNG' : 'not an image that this browser can read, or a damaged one') }
  const {width, height} = bitmap
  try {
    check([width, height])
    const canvas = typeof OffscreenCanvas == 'function' ? new OffscreenCanvas(width, height) : Object.assign(document.createElement('canvas'), {width, height})
    const context = canvas.getContext('2d', {willReadFrequently: true})
    context.drawImage(bitmap, 0, 0)
    return context.getImageData(0, 0, width, height)
  } finally { bitmap.close() }
}

// ---- kernel: products of 4 neighbouring pixels with the weights of 8 channels, in whole numbers of 16 bits; their sums become floats

const leb = n => { const out = []; do { out.push(n & 127 | (n > 127 ? 128 : 0)); n >>>= 7 } while (n); return out }
const part = (id, ...bytes) => [id, ...leb(bytes.flat().length), ...bytes.flat()]

function assemble() { // dot(x, dx, w, segments, n, skip, out, step, scale, low): see `plainDot`, which does the same without SIMD
  const get = i => [0x20, i], set = i => [0x21, i], simd = n => [0xfd, ...leb(n)]
  const add = (i, ...by) => [...get(i), ...by.flat(), 0x6a, ...set(i)], i32 = n => [0x41, ...n]
  const load = (op, at, offset) => [...get(at), ...simd(op), 0, ...leb(offset)]
  const xs = [0, 11, 12, 13], sums = [14, 15, 16, 17, 18, 19, 20, 21], [w0, w1, t] = [22, 23, 24]
  const products = [0, 1, 2, 3].map(u => [load(0, 2, 32*u), set(w0), load(0, 2, 32*u+16), set(w1),
    xs.map((x, p) => [load(9, x, 4*u), set(t), [w0, w1].map((w, v) =>
      [get(sums[2*p+v]), get(t), get(w), simd(186), simd(174), set(sums[2*p+v])])])])
  const floats = [0, 1, 2, 3].map(p => [[0, 1].map(v => [get(6), get(sums[2*p+v]), simd(250), load(0, 8, 16*v), simd(230),
    load(0, 8, 32+16*v), simd(228), get(t), simd(233), simd(11), 0, leb(16*v)]), add(6, get(7))])
  const again = i => [get(i), i32([1]), 0x6b, 0x22, i, 0x0d, 0]
  const code = [
    [11, 12, 13].map((x, i) => [get([0, 11, 12][i]), get(1), 0x6a, set(x)]),
    0x03, 0x40, get(4), set(10),
    0x03, 0x40, products, xs.map(x => add(x, i32([16]))), add(2, i32([0x80, 1])), again(10), 0x0b,
    xs.map(x => add(x, get(5))), again(3), 0x0b,
    get(9), simd(19), set(t), floats, 0x0b].flat(9)
  const body = [2, 4, 0x7f, 11, 0x7b, ...code]
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...part(1, [1, 0x60, 10, ...Array(9).fill(0x7f), 0x7d, 0]), ...part(2, [1, 1, 0x65, 1, 0x6d, 2, 0, 1]), ...part(3, [1, 0]),
    ...part(7, [1, 3, 0x64, 0x6f, 0x74, 0, 0]), ...part(10, [1, ...leb(body.length), ...body])])
}

export function plainDot(memory) { // the same in plain JavaScript: about 10 times slower, equal to the last bit
  const ints = new Int16Array(memory.buffer), floats = new Float32Array(memory.buffer), round = Math.fround
  return (x, dx, w, segments, n, skip, out, step, scale, low) => {
    for (let p = 0; p < 4; p++) for (let c = 0; c < 8; c++) {
      let sum = 0, i = (x+p*dx) >> 1, j = (w >> 1)+2*c
      for (let s = 0; s < segments; s++, i += skip >> 1)
        for (let k = 0; k < 4*n; k++, i += 2, j += 16) sum = (sum + ints[i]*ints[j] + ints[i+1]*ints[j+1]) | 0
      floats[((out+p*step) >> 2)+c] = Math.max(round(round(round(sum)*floats[(scale >> 2)+c])+floats[(scale >> 2)+8+c]), low)
    }
  }
}

function kernel(bytes, simd) {
  const pages = Math.ceil(bytes/65536)+1
  if (simd !== false && typeof WebAssembly == 'object') try {
    const memory = new WebAssembly.Memory({initial: pages})
    const {dot} = new WebAssembly.Instance(new WebAssembly.Module(assemble()), {e: {m: memory}}).exports
    return {memory, dot, simd: true}
  } catch (e) { if (simd) throw e }
  const memory = {buffer: new ArrayBuffer(pages*65536)}
  return {memory, dot: plainDot(memory), simd: false}
}

// ---- network. Maps are {h, w, c, data}: rows of pixels of 32-bit floats; each convolution takes its input in whole numbers

const up8 = n => (n+7) & ~7
const TILE = 4

function* whole(bytes, bits) {  // the weights: whole numbers of `bits` bits, one behind the other
  const half = 1 << (bits-1), mask = (1 << bits)-1
  let have = 0, n = 0
  for (const byte of bytes) {
    have |= byte << n
    for (n += 8; n >= bits; n -= bits, have >>>= bits) yield (have & mask)-half
  }
}

function measured(map) { // with its largest absolute value
  const {data} = map
  let most = 0
  for (let i = 0; i < data.length; i++) { const v = data[i] < 0 ? -data[i] : data[i]; if (v > most) most = v }
  map.most = most
  return map
}

export class Network {
  constructor(header, bytes, simd) {
    const {config, layers, net, bits} = header
    this.config = config; this.net = net; this.kept = {}
    this.layers = layers.map(o => ({...o, segment: up8(o.kw*o.c), co: up8(o.oc)}))
    this.start = 8*Math.max(...this.layers.map(o => o.co)) // first the scales and biases of a layer
    for (const o of this.layers) { o.at = this.start; this.start += o.co*o.kh*o.segment*2 }
    const {input, output} = this.room()
    this.out = this.start+(input+15 & ~15)
    Object.assign(this, kernel(this.out+output, simd))
    this.ints = new Int16Array(this.memory.buffer)
    this.outs = new Float32Array(this.memory.buffer)
    this.fill(bytes, bits)
  }

  room() { // bytes of the largest padded input and of the largest output of a convolution
    let input = 0, output = 0
    const size = this.config.crop || this.config.size
    const conv = (i, [h, w]) => {
      const o = this.layers[i], ph = h+2*o.ph, pw = w+2*o.pw
      const to = [Math.floor((ph-o.kh)/o.sh)+1, Math.floor((pw-o.kw)/o.sw)+1]
      input = Math.max(input, ph*pw*o.c*2 + TILE*o.sw*o.c*2 + o.kh*pw*o.c*2 + 64)
      output = Math.max(output, (to[0]*to[1]+TILE)*o.co*4)
      return to
    }
    this.net.reduce((at, o) => o.block ? conv(o.block[1], conv(o.block[0], at)) : conv(o.conv, at), size)
    return {input, output}
  }

  fill(bytes, bits) { // weights into the order in which the kernel takes them
    const n = this.layers.reduce((a, o) => a+o.oc, 0), floats = new Float32Array(bytes.slice(0, 8*n).buffer)
    const weights = whole(bytes.subarray(8*n), bits)
    let f = 0
    for (const o of this.layers) {
      o.scales = floats.slice(f, f+o.oc); o.bias = floats.slice(n+f, n+f+o.oc); f += o.oc
      let most = 1
      for (let c = 0; c < o.oc; c++) {
        let sum = 0
        for (let s = 0; s < o.kh; s++) for (let k = 0; k < o.kw*o.c; k++) {
          const value = weights.next().value
          this.ints[(o.at >> 1) + ((((c >> 3)*o.kh+s)*(o.segment >> 1)+(k >> 1))*8+(c & 7))*2+(k & 1)] = value
          sum += Math.abs(value)
        }
        most = Math.max(most, sum)
      }
      o.limit = Math.min(32767, Math.floor(2147483647/most)) // no sum of products can overflow 32 bits
    }
  }

  floats(name, n) { // an array that is used again with the next image
    if (!(this.kept[name]?.length >= n)) this.kept[name] = new Float32Array(n)
    return this.kept[name].subarray(0, n)
  }

  quantise({h, w, c, data, most}, o) { // into the memory of the kernel, with zeros around; returns the size of a unit
    const pw = w+2*o.pw, at = this.start >> 1, {ints} = this, unit = most/o.limit || 1, by = 1/unit
    ints.fill(0, at, at+(h+2*o.ph)*pw*c + TILE*o.sw*c + o.kh*pw*c + 32)
    for (let y = 0; y < h; y++) {
      const to = at+((y+o.ph)*pw+o.pw)*c, from = y*w*c, n = w*c
      for (let i = 0; i < n; i++) { const v = data[from+i]*by; ints[to+i] = v < 0 ? v-.5 : v+.5 }
    }
    return unit
  }

  conv(map, i, relu) {
    const o = this.layers[i], unit = this.quantise(map, o), {start, out, outs, dot} = this, {oc, co, scales, bias} = o
    const pw = map.w+2*o.pw, h = Math.floor((map.h+2*o.ph-o.kh)/o.sh)+1, w = Math.floor((pw-o.kw)/o.sw)+1
    const dx = o.sw*o.c*2, row = pw*o.c*2, low = relu ? 0 : -Infinity
    for (let c = 0; c < oc; c++) { outs[2*c-(c & 7)] = unit*scales[c]; outs[2*c-(c & 7)+8] = bias[c] }
    for (let c = 0; c < co; c += 8) for (let y = 0; y < h; y++) for (let x = 0; x < w; x += TILE)
      dot(start+y*o.sh*row+x*dx, dx, o.at+c*o.kh*o.segment*2, o.kh, o.segment >> 3, row-o.segment*2, out+((y*w+x)*co+c)*4, co*4, 8*c, low)
    const data = this.floats(i, h*w*oc), from = out >> 2
    if (co == oc) data.set(outs.subarray(from, from+h*w*oc))
    else for (let p = 0; p < h*w; p++) data.set(outs.subarray(from+p*co, from+p*co+oc), p*oc)
    return measured({h, w, c: oc, data})
  }

  pool({h, w, c, data}, [sh, sw]) { // the mean over sh×sw pixels, fewer at the edge
    const hh = Math.ceil(h/sh), ww = Math.ceil(w/sw), out = this.floats('pool', hh*ww*c).fill(0)
    for (let y = 0; y < hh; y++) for (let x = 0; x < ww; x++) {
      const bottom = Math.min((y+1)*sh, h), right = Math.min((x+1)*sw, w), by = 1/((bottom-y*sh)*(right-x*sw))
      for (let i = y*sh; i < bottom; i++) for (let j = x*sw; j < right; j++)
        for (let k = 0, to = (y*ww+x)*c, from = (i*w+j)*c; k < c; k++) out[to+k] += data[from+k]*by
    }
    return measured({h: hh, w: ww, c, data: out})
  }

  ink(image) { // each image in units of its own contrast, with its background at 0
    const {width, height, channels, data} = image, back = paper(image), n = data.length, out = this.floats('ink', n)
    for (let i = 0, c = 0; i < n; i++, c = c+1 == channels ? 0 : c+1) out[i] = back[c]-data[i]/255
    let sum = 0, squares = 0
    for (let i = 0; i < n; i++) sum += out[i]
    for (let i = 0; i < n; i++) squares += (out[i]-sum/n)*(out[i]-sum/n)
    const by = 1/(Math.sqrt(squares/(n-1))+.02)
    for (let i = 0; i < n; i++) out[i] *= by
    return measured({h: height, w: width, c: channels, data: out})
  }

  block(x, {block: [first, second], pool, id}) {
    const y = this.conv(this.conv(x, first, true), second, false), {data} = y
    if (pool) x = this.pool(x, pool)
    if (id !== null) x = this.conv(x, id, false)
    const other = x.data
    for (let i = 0; i < data.length; i++) { const v = data[i]+other[i]; data[i] = v > 0 ? v : 0 }
    return measured(y)
  }

  run(image, watch = () => {}) { // log-probabilities, an array per step; `watch` is called with each map
    let x = this.ink(image)
    watch(x)
    this.net.forEach((o, i) => {
      x = o.block ? this.block(x, o) : this.conv(x, o.conv, i < this.net.length-1)
      watch(x)
    })
    return Array.from({length: x.w}, (_, t) => logSoftmax(Float64Array.from(x.data.subarray(t*x.c, (t+1)*x.c))))
  }
}

// ---- decoding. Scores are log-probabilities, an array per step; class 0 is the blank; texts are arrays of classes

const logSum = a => { const top = Math.max(...a); return top == -Infinity ? top : top+Math.log(a.reduce((s, o) => s+Math.exp(o-top), 0)) }
const logSoftmax = a => { const sum = logSum(a); return a.map(o => o-sum) }
export const temper = (scores, temperature) => temperature == 1 ? scores : scores.map(a => logSoftmax(a.map(o => o/temperature)))

export function greedy(scores) {
  const path = scores.map(a => a.indexOf(Math.max(...a)))
  return path.filter((o, t) => o && o != path[t-1])
}

export function logPosterior(scores, ids) { // of a text: the sum over all its paths
  const n = ids.length, blank = new Float64Array(n+1), char = new Float64Array(n+1) // by number of characters written
  blank[0] = 1
  let log = 0
  for (const a of scores) {
    let sum = 0
    const p0 = Math.exp(a[0])
    for (let i = n; i >= 0; i--) {
      const come = i ? blank[i-1]+(ids[i-1] != ids[i-2] ? char[i-1] : 0) : 0
      blank[i] = (blank[i]+char[i])*p0
      char[i] = i ? (char[i]+come)*Math.exp(a[ids[i-1]]) : 0
      sum += blank[i]+char[i]
    }
    if (!sum) return -Infinity
    for (let i = 0; i <= n; i++) { blank[i] /= sum; char[i] /= sum }
    log += Math.log(sum)
  }
  return log+Math.log(blank[n]+char[n])
}

export class Rules { // for the texts that may be read
  constructor(chars, fold, {lengths = null, allowed = null} = {}) {
    this.chars = chars; this.fold = fold
    this.lengths = lengths === null ? null : [...new Set([lengths].flat())].sort((a, b) => a-b)
    if (this.lengths && (!this.lengths.length || this.lengths.some(o => !Number.isInteger(o) || o < 0)))
      throw new Error(`lengths ${JSON.stringify(lengths)} are not numbers of characters; pass some, e.g. [4, 5]`)
    this.all = typeof allowed == 'string' ? this.mask(allowed) : null
    this.at = Array.isArray(allowed) ? allowed.map(o => this.mask(o)) : null
    if (!this.at) return
    this.lengths = (this.lengths || [...this.at.keys(), this.at.length]).filter(o => o <= this.at.length)
    if (!this.lengths.length) throw new Error(`the lengths are longer than the ${allowed.length} positions of allowed; correct one of them`)
  }
  mask(text) {
    const known = new Set([...this.fold(text)].map(o => this.chars.indexOf(o)+1).filter(o => o))
    if (!known.size) throw new Error(`none of the characters ${JSON.stringify(text)} is known; allow some of ${this.chars.join('')}`)
    return known
  }
  may(c, i) { return (!this.all || this.all.has(c)) && (!this.at || i < this.at.length && this.at[i].has(c)) } // c as character i?
  fits(ids) { return (!this.lengths || this.lengths.includes(ids.length)) && ids.every((c, i) => this.may(c, i)) }
  only(scores) { return this.all ? scores.map(a => a.map((o, c) => !c || this.all.has(c) ? o : -Infinity)) : scores }
}

function logAllowed(scores, rules) { // of all allowed texts together
  if (!rules.lengths) return scores.reduce((sum, a) => sum+logSum(a), 0)
  const n = Math.max(...rules.lengths.filter(o => o <= scores.length)), size = scores[0].length
  let mass = Array.from({length: n+1}, () => new Float64Array(size)), log = 0 // by number of characters and last class
  mass[0][0] = 1
  for (const a of scores) {
    const totals = mass.map(o => o.reduce((s, v) => s+v, 0))
    let sum = 0
    mass = mass.map((own, i) => own.map((v, c) => {
      const come = c && i && rules.may(c, i-1) ? totals[i-1]-mass[i-1][c] : 0
      const res = (c ? v+come : totals[i])*Math.exp(a[c])
      sum += res
      return res
    }))
    if (!sum) return -Infinity
    for (const o of mass) for (let c = 0; c < size; c++) o[c] /= sum
    log += Math.log(sum)
  }
  return log+Math.log(mass.reduce((s, o, i) => rules.lengths.includes(i) ? s+o.reduce((t, v) => t+v, 0) : s, 0))
}

function search(scores, k, rules) { // texts of a beam over prefixes, for each number of characters if lengths are given
  const most = rules.lengths ? Math.max(...rules.lengths) : Infinity
  const level = o => rules.lengths ? o.ids.length : 0, mass = o => o.blank+o.char
  let beam = [{ids: [], blank: 1, char: 0}]
  for (const a of scores) {
    const next = new Map(), best = [...a.keys()].slice(1).sort((x, y) => a[y]-a[x])
    const chosen = new Map()
    const top = i => { // the best characters in this place
      const at = rules.at ? i : 0
      if (!chosen.has(at)) chosen.set(at, best.filter(c => a[c] > -Infinity && rules.may(c, at)).slice(0, k+1))
      return chosen.get(at)
    }
    const put = (ids, blank, char) => {
      const key = ids.join()
      const o = next.get(key)
      if (o) { o.blank += blank; o.char += char } else next.set(key, {ids, blank, char})
    }
    const known = new Set(beam.map(o => o.ids.join()))
    for (const o of beam) {
      const {ids} = o, last = ids.at(-1)
      put(ids, mass(o)*Math.exp(a[0]), last ? o.char*Math.exp(a[last]) : 0)
      if (ids.length >= most) continue
      const more = c => put([...ids, c], 0, (c == last ? o.blank : mass(o))*Math.exp(a[c]))
      const chars = top(ids.length)
      for (const c of chars) more(c)
      for (const other of beam) { // a longer prefix of the beam gets what its parent adds, whatever the rank of its character
        const c = other.ids.at(-1)
        if (other.ids.length == ids.length+1 && !chars.includes(c) && other.ids.slice(0, -1).join() == ids.join()) more(c)
      }
    }
    const levels = new Map()
    for (const o of next.values()) if (mass(o) > 0) levels.set(level(o), [...levels.get(level(o)) || [], o])
    beam = [...levels.values()].flatMap(o => o.sort((x, y) => mass(y)-mass(x)).slice(0, k))
    const sum = beam.reduce((s, o) => s+mass(o), 0)
    for (const o of beam) { o.blank /= sum; o.char /= sum }
  }
  return beam.filter(o => rules.fits(o.ids)).sort((x, y) => mass(y)-mass(x)).slice(0, k).map(o => o.ids)
}

export function decode(scores, rules, k = 1, beam = 10) { // the k most probable texts [{ids, log}], and whether the first is proven
  scores = rules.only(scores)
  if (rules.lengths && Math.min(...rules.lengths) > scores.length)
    throw new Error(`a text of ${Math.min(...rules.lengths)} characters cannot be written in ${scores.length} steps; allow shorter texts`)
  const total = logAllowed(scores, rules), ids = greedy(scores)
  if (total == -Infinity) throw new Error('every allowed text has probability 0; loosen the rules, or look at this image')
  const first = {ids, log: rules.fits(ids) ? logPosterior(scores, ids) : -Infinity}
  let certified = first.log > total+Math.log(.5)+1e-6
  if (certified && k == 1) return {texts: [first], certified}
  const found = search(scores, Math.max(beam, k), rules).filter(o => o.join() != ids.join()).map(ids => ({ids, log: logPosterior(scores, ids)}))
  const texts = [...found, first].filter(o => o.log > -Infinity).sort((a, b) => b.log-a.log)
  if (!texts.length) throw new Error('every allowed text has probability 0; loosen the rules, or look at this image')
  const shares = texts.map(o => Math.exp(o.log-total))
  certified ||= shares[0] > 1-shares.reduce((a, b) => a+b, 0)+1e-6
  return {texts: texts.slice(0, k), certified}
}

function spans(scores, ids) { // first step of each character on the best path of the text, and the step after its last
  const states = [0, ...ids.flatMap(c => [c, 0])], n = states.length
  let best = states.map((c, s) => s < 2 ? scores[0][c] : -Infinity)
  const from = scores.slice(1).map(a => {
    const back = states.map((c, s) => {
      const skip = s > 1 && c && c != states[s-2]
      return [0, 1, 2].slice(0, skip ? 3 : 2).reduce((top, d) => s-d >= 0 && best[s-d] > best[s-top] ? d : top, 0)
    })
    best = states.map((c, s) => best[s-back[s]]+a[c])
    return back
  })
  let s = best[n-1] >= best[n-2] ? n-1 : n-2
  const path = [s]
  for (const back of from.reverse()) path.unshift(s -= back[s])
  return ids.map((_, i) => [path.indexOf(2*i+1), path.lastIndexOf(2*i+1)+1])
}

export function align(scores, ids) { // probability of each character given the others, and its edges as shares of the width
  if (!ids.length) return []
  const all = logPosterior(scores, ids), n = scores.length, classes = [...scores[0].keys()].slice(1)
  const middles = spans(scores, ids).map(([a, b]) => (a+b)/2)
  const half = Math.min(n/ids.length, ...middles.slice(1).map((m, i) => m-middles[i]))/2
  return ids.map((_, i) => {
    const others = [...classes.map(c => ids.with ? ids.with(i, c) : Object.assign([...ids], {[i]: c})), ids.toSpliced ? ids.toSpliced(i, 1) : ids.filter((_, j) => j != i)]
    return {probability: Math.exp(all-logSum(others.map(o => logPosterior(scores, o)))), left: (middles[i]-half)/n, right: (middles[i]+half)/n}
  })
}

// ---- Reader

function toImage(share, config, [height, width]) { // a share of the width that the network sees, in pixels of the image
  if (config.resize == 'keep') return Math.min(Math.max(share*width, 0), width)
  const scales = [config.size[0]/height, config.size[1]/width], seen = (config.crop || config.size)[1]
  const scale = config.resize == 'pad' ? Math.min(...scales) : scales[1]
  const cut = Math.floor((even(scale*width)-seen)/2)
  return Math.min(Math.max((share*seen+cut)/scale, 0), width)
}

export class Reader {
  constructor(bytes, {simd} = {}) { // the content of `model.bin`
    const n = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4+n)))
    if (header.format != 1) throw new Error(`this model has format ${header.format}, and this reader reads 1; export it again`)
    this.config = header.config
    this.chars = [...header.config.chars]
    this.network = new Network(header, bytes.subarray(4+n), simd)
    this.simd = this.network.simd
  }

  leastProbability({minProbability, accuracy}) {
    const p = minProbability ?? this.config.minProbability, known = this.config.thresholds
    if (!(p >= 0 && p <= 1)) throw new Error(`minProbability ${p} is not between 0 and 1`)
    if (accuracy === undefined) return p
    const name = String(accuracy)
    if (minProbability !== undefined) throw new Error('an accuracy stands for a probability; pass one of accuracy and minProbability')
    if (!(name in known)) throw new Error(`no threshold for an accuracy of ${name}; known are those for ${Object.keys(known).join(', ') || 'none'}`)
    return known[name]
  }

  // image: {width, height, data} with 4 bytes per pixel, as ImageData; rules: lengths, allowed, minProbability, accuracy
  read(image, rules = {}) {
    const {width, height, data} = image || {}
    if (!(width > 0 && height > 0) || data?.length != width*height*4)
      throw new Error('this is not an image: pass {width, height, data} with 4 bytes per pixel, as ImageData')
    if (width*height > this.config.maxPixels) throw new Error(`the image has ${width}×${height} pixels, more than are allowed; make it smaller`)
    const least = this.leastProbability(rules), {config, chars} = this
    const own = 'lengths' in rules ? rules.lengths : Array.isArray(rules.allowed) ? null : config.lengths
    const fold = text => config.case ? text.normalize('NFC') : text.normalize('NFC').toLowerCase()
    const limits = new Rules(chars, fold, {lengths: own, allowed: rules.allowed})
    const scores = temper(this.network.run(prepare(image, config)), config.temperature)
    let {texts: [best], certified} = decode(scores, limits), hasText = true
    if (!best.ids.length && !config.empty && (own === null || own === undefined)) {
      const more = decode(scores, limits, 2)
      hasText = more.texts[0].ids.length > 0
      best = more.texts.find(o => o.ids.length) || best
      certified = more.certified
    }
    const probability = Math.min(Math.exp(best.log), 1), found = best.ids.map(o => chars[o-1]).join('')
    const characters = () => align(scores, best.ids).map((o, i) => ({char: chars[best.ids[i]-1], probability: o.probability,
      left: toImage(o.left, config, [height, width]), right: toImage(o.right, config, [height, width])}))
    let known
    return {text: hasText && probability >= least ? found : null, probability, certified, best: found, // `best`: the text, sure or not
            get characters() { return known ??= characters() }}
  }
}

export async function load(source = new URL('model.bin', import.meta.url), options) { // an address, or bytes
  if (source instanceof ArrayBuffer) return new Reader(new Uint8Array(source), options)
  if (source instanceof Uint8Array) return new Reader(source, options)
  const url = new URL(source, import.meta.url)
  if (url.protocol == 'file:') {
    const {readFile} = await import('node:fs/promises')
    return new Reader(new Uint8Array(await readFile(url)), options)
  }
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
  return new Reader(new Uint8Array(await answer.arrayBuffer()), options)
}
