import {Reader, pixelsOf} from './reader.mjs'

const $ = id => document.getElementById(id)
const MOST_ROWS = 500 // that the table shows; the CSV holds all
const UNSURE_CHAR = .9
let model, readings = [], queue = [], busy = false, lastURL = null, stream = null, seen = null

function make(tag, props = {}, ...children) { // texts become text nodes, never HTML
  const o = Object.assign(document.createElement(tag), props)
  o.append(...children)
  return o
}
const percent = p => p >= .9995 && p < 1 ? '> 99.9 %' : `${(100*p).toFixed(1)} %`

function tell(text) {
  const close = make('button', {type: 'button', ariaLabel: 'Close this message', onclick: () => line.remove()}, '×')
  const line = make('p', {}, make('span', {}, text), close)
  $('messages').append(line)
  while ($('messages').children.length > 3) $('messages').firstChild.remove()
}

function rules() {
  const accuracy = $('accuracy').value
  return accuracy ? {accuracy: Number(accuracy)} : {}
}

// ---- images

async function take(files) {
  files = [...files]
  if (!files.length) return
  queue.push(...files)
  $('list').hidden = false
  if (busy) return
  busy = true
  const before = readings.length
  let shown = performance.now()
  try {
    while (queue.length) {
      const blob = queue.shift()
      add(await readOne(blob))
      const total = readings.length-before+queue.length
      if (performance.now()-shown < 60 && queue.length) continue
      $('progress').hidden = !queue.length
      $('progress').value = (readings.length-before)/total
      state(queue.length ? `Reading: ${readings.length-before} of ${total} …` : '')
      await new Promise(o => setTimeout(o)) // let the page draw
      shown = performance.now()
    }
  } finally { busy = false }
  const bad = readings.slice(before).filter(o => o.why)
  if (bad.length) tell(bad.length == 1 ? `${bad[0].name}: ${bad[0].why}` : `${bad.length} files could not be read; the table says why`)
}

async function readOne(blob) {
  const res = {name: blob.name || 'pasted image', blob}
  try {
    const start = performance.now(), image = await pixelsOf(blob, model.config.maxPixels)
    Object.assign(res, {reading: model.read(image, rules()), width: image.width, height: image.height})
    res.ms = performance.now()-start
  } catch (e) { res.why = e.message }
  return res
}

function thumbnail(blob, name) {
  const url = URL.createObjectURL(blob)
  return make('img', {src: url, alt: `Image ${name}`, onload: () => URL.revokeObjectURL(url), onerror: () => URL.revokeObjectURL(url)})
}

function row(o) {
  const cells = [make('td', {}, ...o.why ? [] : [thumbnail(o.blob, o.name)])]
  if (o.why) cells.push(make('td', {className: 'why', colSpan: 2}, o.why))
  else {
    const {text, best, probability} = o.reading
    const shown = text ?? best
    cells.push(make('td', {className: 'text'}, shown || '(no text)', ...text === null ? [make('small', {}, 'unsure')] : []),
               make('td', {className: 'number'}, percent(probability)))
  }
  cells.push(make('td', {className: 'file'}, o.name))
  return make('tr', {className: !o.why && o.reading.text === null ? 'unsure' : ''}, ...cells)
}

function add(o) {
  readings.push(o.why ? o : {name: o.name, text: o.reading.text, probability: o.reading.probability}) // little, so that thousands fit
  $('rows').prepend(row(o))
  if ($('rows').children.length > MOST_ROWS) $('rows').lastChild.remove()
  $('hidden-rows').hidden = readings.length <= MOST_ROWS
  $('hidden-rows').textContent = `The table shows the last ${MOST_ROWS} of ${readings.length} images; the CSV holds all.`
  $('list-title').textContent = `${readings.length} ${readings.length == 1 ? 'reading' : 'readings'}`
  if (o.why) o.blob = null
  else show(o)
}

function show({name, blob, reading, ms}) {
  if (lastURL) URL.revokeObjectURL(lastURL)
  lastURL = URL.createObjectURL(blob)
  $('last').hidden = false
  $('last-file').textContent = name
  $('picture').replaceChildren(make('img', {src: lastURL, alt: `Image ${name}`}))
  const sure = reading.text !== null
  $('last-text').textContent = (sure ? reading.text : reading.best) || '(no text)'
  $('last-text').className = sure ? '' : 'unsure'
  $('last-probability').textContent = `${sure ? '' : 'Unsure: '}probability ${percent(reading.probability)} · ${ms.toFixed(0)} ms`
  $('characters').replaceChildren(...reading.characters.map(o =>
    make('li', {className: o.probability < UNSURE_CHAR ? 'low' : ''}, make('b', {}, o.char), percent(o.probability))))
}

function csv() {
  const safe = o => /^[=+\-@＝＋－＠]/.test(o) && !/^[+-]\d+([.,]\d+)*$/.test(o) ? `'${o}` : o // no formula in a spreadsheet
  const quoted = o => /[",\r\n]/.test(o) ? `"${o.replaceAll('"', '""')}"` : o
  const lines = readings.map(o => o.why ? [o.name, '', '', '0', o.why]
    : [o.name, o.text ?? '', o.probability.toFixed(6), o.text === null ? '0' : '1', ''])
  return [['file', 'text', 'probability', 'sure', 'error'], ...lines].map(o => o.map(safe).map(quoted).join(',')+'\r\n').join('')
}

function download() {
  const url = URL.createObjectURL(new Blob(['\ufeff', csv()], {type: 'text/csv;charset=utf-8'}))
  make('a', {href: url, download: 'readings.csv'}).click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

function clear() {
  queue = []; readings = []
  for (const id of ['rows', 'picture', 'characters', 'messages']) $(id).replaceChildren()
  for (const id of ['list', 'last', 'progress']) $(id).hidden = true
  if (lastURL) URL.revokeObjectURL(lastURL)
  lastURL = null
  state('')
  $('choose').focus()
}

// ---- camera

function whyNoCamera(e) {
  if (!e) return 'This browser offers no camera to this page; open the page from https or localhost, in a browser that has one.'
  if (e.name == 'NotFoundError' || e.name == 'OverconstrainedError') return 'No camera was found; connect one, or choose images.'
  if (e.name == 'NotReadableError') return 'The camera is in use by another program; close it, and try again.'
  if (e.name != 'NotAllowedError' && e.name != 'SecurityError') return `The camera cannot be opened: ${e.message}`
  if (window.self !== window.top) return 'The camera is not allowed in this frame; the page around it must say allow="camera".'
  return 'The camera was refused; allow it for this page in the browser, and try again.'
}

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return tell(whyNoCamera())
  try { stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: 'environment', width: {ideal: 1280}}}) }
  catch (e) { return tell(whyNoCamera(e)) }
  $('video').srcObject = stream
  stream.getVideoTracks()[0].onended = closeCamera
  await $('video').play()
  $('drop').hidden = true
  $('camera').hidden = false
  $('keep').focus()
  watch()
}

function closeCamera() {
  if (!stream) return
  for (const o of stream.getTracks()) o.stop()
  stream = seen = $('video').srcObject = null
  $('camera').hidden = true
  $('drop').hidden = false
  $('open-camera').focus()
}

function frameOf(width, height) { // [left, top, width, height] in the middle of a picture of the camera, shaped as the images of the model are
  const {ratio} = model.config
  const w = Math.min(.86*width, .8*height*ratio), h = w/ratio
  return [(width-w)/2, (height-h)/2, w, h]
}

function placeFrame() {
  const {videoWidth, videoHeight, clientWidth, clientHeight} = $('video')
  const scale = Math.max(clientWidth/videoWidth, clientHeight/videoHeight), [x, y, w, h] = frameOf(videoWidth, videoHeight)
  const style = {left: (clientWidth-videoWidth*scale)/2+x*scale, top: (clientHeight-videoHeight*scale)/2+y*scale, width: w*scale, height: h*scale}
  for (const [k, v] of Object.entries(style)) $('frame').style[k] = `${v}px`
}

function watch() {
  const video = $('video'), canvas = make('canvas'), times = []
  const next = () => video.requestVideoFrameCallback ? video.requestVideoFrameCallback(step) : requestAnimationFrame(step)
  const step = () => {
    if (!stream) return
    if (video.videoWidth) {
      placeFrame()
      const [x, y, w, h] = frameOf(video.videoWidth, video.videoHeight)
      canvas.width = Math.min(Math.round(w), 640)
      canvas.height = Math.max(Math.round(canvas.width*h/w), 1)
      const context = canvas.getContext('2d', {willReadFrequently: true})
      context.drawImage(video, x, y, w, h, 0, 0, canvas.width, canvas.height)
      seen = {canvas, reading: model.read(context.getImageData(0, 0, canvas.width, canvas.height), rules())}
      times.push(performance.now())
      if (times.length > 20) times.shift()
      showSeen(times)
    }
    next()
  }
  next()
}

function showSeen(times) {
  const {text, best, probability} = seen.reading
  $('keep').disabled = !best
  $('seen').textContent = probability < .1 ? '' : text ?? best
  $('seen').className = text === null || probability < .5 ? 'unsure' : ''
  if (times.length > 1) $('speed').textContent =
    `Hold the text in the frame. ${percent(probability)} · ${(1000*(times.length-1)/(times.at(-1)-times[0])).toFixed(0)} readings a second`
}

async function keep() {
  if (!seen) return
  const {canvas, reading} = seen, name = `camera ${new Date().toLocaleTimeString()}`
  const blob = await new Promise(done => canvas.toBlob(done))
  $('list').hidden = false
  add({name, blob, reading, width: canvas.width, height: canvas.height, ms: 0})
}

// ---- start

const state = text => { $('state').textContent = text || `Ready: ${model.chars.length} characters${model.simd ? '' : '; this browser has no WebAssembly SIMD, so reading is slow'}` }

function choices() {
  const known = Object.keys(model.config.thresholds).sort()
  const least = model.config.minProbability
  $('accuracy').append(make('option', {value: ''}, least ? `if the probability is at least ${percent(least)}` : 'every image'),
    ...known.map(o => make('option', {value: o}, `if ${100*o} % of such answers are right (probability ${percent(model.config.thresholds[o])})`)))
  $('sure-choice').hidden = !known.length
}

function listen() {
  $('choose').onclick = () => $('files').click()
  $('files').onchange = () => { take($('files').files); $('files').value = '' }
  $('open-camera').onclick = openCamera
  $('close-camera').onclick = closeCamera
  $('keep').onclick = keep
  $('download').onclick = download
  $('clear').onclick = clear
  document.onkeydown = e => { if (e.key == 'Escape') closeCamera() }
  document.onpaste = e => take([...e.clipboardData.files])
  document.ondragover = e => { e.preventDefault(); $('drop').className = 'over' }
  document.ondragleave = e => { if (!e.relatedTarget) $('drop').className = '' }
  document.ondrop = e => { e.preventDefault(); $('drop').className = ''; take(e.dataTransfer.files) }
}

function bytesOf(text) {
  const chars = atob(text.trim()), bytes = new Uint8Array(chars.length)
  for (let i = 0; i < chars.length; i++) bytes[i] = chars.charCodeAt(i)
  return bytes
}

try {
  model = new Reader(bytesOf($('model').textContent))
  $('model').remove()
  choices()
  listen()
  document.querySelector('main').hidden = false
  state('')
  window.reader = { // for scripts
    model, simd: model.simd,
    read: async (blob, how) => model.read(blob instanceof Blob ? await pixelsOf(blob, model.config.maxPixels) : blob, how)}
} catch (e) { $('state').textContent = `This page cannot read: ${e.message}` }
