// The page of captcha_label. One image is shown; the next ones are loaded and decoded beforehand, so that a key shows the next
// image without waiting for the server. Decisions wait in `queue`, are sent one after another, and are kept in localStorage until
// they are answered. Texts and file names are only ever set as textContent or value.
'use strict'
const $ = id => document.getElementById(id)
const touch = matchMedia('(pointer: coarse)').matches
const AHEAD = 8, SURE = .9, DOUBTFUL = .5
sessionStorage.session ??= Array.from(crypto.getRandomValues(new Uint8Array(12)), o => o.toString(16)).join('')
const me = {session: sessionStorage.session, who: localStorage.captcha_label_who ?? '', folder: ''}
const text = $('text')
let now = null      // the image on the page
let ahead = []      // what comes next, loaded
let past = []       // what was decided on this page, for undo
let queue = []      // what the server has not answered yet
let state = {}      // progress, as the server tells it
let doubt = -1      // which doubtful character the arrows have reached
let keysHere = 0    // keys and clicks for this image
let tallest = Infinity // width by height of the tallest image so far: the space that is kept for all
let sending = false, filling = false, stale = false, away = ''
let told = JSON.parse(sessionStorage.told ?? '{"run": "", "n": 0}') // the newest message of the server that was shown

// ---- the server -------------------------------------------------------------------------------------------------------------
async function ask(name, body = {}) {
  const r = await fetch('api/' + name, {method: 'POST', headers: {'Content-Type': 'application/json'},
                                        body: JSON.stringify({...body, ...me}), signal: AbortSignal.timeout(15000)})
  const answer = await r.json().catch(() => ({error: `the server answered ${r.status}`}))
  if (!r.ok) throw Object.assign(Error(answer.error), {status: r.status})
  setAway('')
  return answer
}
const key = () => `captcha_label ${me.folder} ${me.session}`
function save() {
  try {
    if (queue.length) localStorage.setItem(key(), JSON.stringify({time: Date.now(), queue}))
    else localStorage.removeItem(key())
  } catch { } // a browser may forbid it; the queue is still sent
  showSaved()
}
function push(o) { queue.push(o); save(); send() }

async function send() {
  if (sending) return
  sending = true
  while (queue.length) {
    const o = queue[0]
    try {
      const answer = await ask(o.name, o.body)
      queue.shift()
      save()
      if (answer.state) takeState(answer.state)
      if (answer.shown) showAgain(answer.shown)
      if (answer.question) say(answer.question)
    } catch (e) {
      if ([400, 404, 410].includes(e.status)) { queue.shift(); save(); refused(o, e) } // sending it again would not help
      else { setAway(why(e)); await new Promise(done => setTimeout(done, 1500)) }
    }
  }
  sending = false
  showSaved()
  fill()
}
const why = e => e.status ? e.message : 'The server does not answer.'
function refused(o, e) {
  say(e.message)
  const item = e.status == 400 && past.findLast(x => x.file == o.body.file)
  if (!item) return
  past = past.filter(x => x != item)
  showAgain(item)
}
function setAway(why) { if (away != why) { away = why; showSaved() } }
function showSaved() {
  const n = queue.filter(o => o.name != 'skip').length
  const wait = n ? ` ${n} ${n == 1 ? 'decision waits' : 'decisions wait'} here and will be sent.` : ''
  const message = away ? away + wait : n > 3 ? wait.trim() : 'All decisions are saved'
  $('saved').className = away ? 'bad' : ''
  $('saved').dataset.waiting = queue.length
  if ($('saved').textContent != message) $('saved').textContent = message // a screen reader says it once
}

// Decisions of a page that was closed before it could send them: of this one when it opens, of others after 20 seconds of silence
function adopt(opening) {
  for (const k of Object.keys(localStorage).filter(o => o.startsWith(`captcha_label ${me.folder} `))) {
    const o = JSON.parse(localStorage[k])
    if (k == key() ? !opening : Date.now() - o.time < 20000) continue
    queue.push(...o.queue)
    localStorage.removeItem(k)
  }
  save()
  send()
}

// ---- images that are loaded ahead -------------------------------------------------------------------------------------------
function load(item) {
  item.img = new Image()
  item.img.alt = ''
  item.img.src = 'image?file=' + encodeURIComponent(item.file)
  item.img.decode().then(() => { item.ready = true; size(item) }, () => lost(item))
  return item
}
async function lost(item) {
  try {
    const r = await fetch(item.img.src)
    if (r.ok) return load(item), item == now && paint()
    say((await r.json()).error)
    ahead = ahead.filter(o => o != item)
    if (item == now) advance(); else showNext()
  } catch { setAway('The server does not answer.'); setTimeout(() => { load(item); if (item == now) paint() }, 1500) }
}
async function fill(renew = false) {
  if (filling) stale ||= renew
  if (filling || !me.folder || !renew && ahead.length >= AHEAD - 2) return
  filling = true
  stale = false
  try {
    const kept = renew ? ahead.filter(o => o.again) : ahead
    const exclude = [now, ...kept, ...queue.flatMap(o => o.body.items ?? o.body)].filter(o => o?.file).map(o => o.file)
    const {items, newer} = await ask('next', {n: AHEAD, exclude, refresh: renew && now ? [now.file] : []})
    const untouched = o => o.file == now?.file && !now.typed && text.value == now.text
    for (const o of newer.filter(untouched)) { renewed(now, o); paint(null, keysHere) }
    const old = new Map(ahead.map(o => [o.file, o])), gone = new Set([now?.file, ...past.map(o => o.file)])
    const fresh = items.filter(o => !kept.some(k => k.file == o.file) && (!gone.has(o.file) || o.again))
    const loaded = fresh.map(o => old.has(o.file) ? renewed(old.get(o.file), o, o.why) : load(o))
    ahead = renew ? [...ahead.filter(o => o.again), ...loaded] : [...ahead, ...loaded]
    if (now) showNext(); else advance()
  } catch (e) { setAway(why(e)) }
  filling = false
  if (stale) fill(true)
}

// A newer reading takes the place of one that may be on the screen; if the text is another one, it shines for a second
function renewed(item, newer, why = item.why) {
  if (newer.text != item.text) item.changed = performance.now()
  return Object.assign(item, newer, {why})
}
function shine(o, item) {
  const ms = performance.now() - (item?.changed ?? -Infinity)
  o.classList.toggle('changed', ms < 1000)
  if (ms < 1000) o.style.animationDelay = -ms + 'ms'
}

// ---- the image on the page --------------------------------------------------------------------------------------------------
function advance(pressed) { now = ahead.shift() ?? null; paint(pressed); fill() }
function showAgain(o) {
  ahead = ahead.filter(x => x.file != o.file)
  if (now) ahead.unshift(now)
  now = Object.assign(o.img ? o : load(o), {again: true})
  paint()
}
function paint(pressed, keys = 0) {
  doubt = -1
  keysHere = keys
  $('work').hidden = !now
  $('none').hidden = !!now
  showNext()
  if (!now) return showNone()
  const o = now, ready = !!o.ready
  $('picture').replaceChildren(o.img)
  o.img.alt = `Image ${o.file}`
  size(o)
  text.value = o.typed ?? o.text
  $('why').textContent = reason(o)
  $('other').hidden = !isSuspect(o)
  $('other').replaceChildren(`Read as ${o.other || 'no text'} (${percent(o.p_other)}): take it `, kbd('↑'))
  marks()
  shine($('form'), o)
  refocus(true)
  const least = doubts()[0]
  $('live').textContent = o.text ? `Read as ${[...o.text].join(' ')}, ${percent(o.probability)}`
                                    + (least && least.probability < SURE ? `; least certain: ${least.char}` : '') : 'Not read yet'
  if (pressed != null) requestAnimationFrame(() => setTimeout(() => // the frame with the image is on the screen
    performance.measure('next image', {start: pressed, end: performance.now(), detail: {ready, file: o.file}})))
}
function refocus(select = text.value == now?.text) { // the keys are for the text, also after a button
  if (touch || !now || !$('grid').hidden) return
  text.focus({preventScroll: true})
  if (select) text.select()
}
function reason(o) {
  if (o.why == 'suspect') return `${o.file} · the label may be wrong`
  const how = {random: 'drawn at random, to measure on', unsure: 'chosen to learn from', odd: 'picked out of the sure readings'}[o.why] ?? ''
  return how ? `${o.file} · ${how}` : o.file
}
const isSuspect = o => o?.why == 'suspect' && o.other != o.text
function size(o) {
  if (!o.img.naturalWidth) return
  const ratio = o.img.naturalWidth / o.img.naturalHeight
  if (ratio < tallest) $('stage').style.setProperty('--tallest', tallest = ratio)
  if (o == now) $('frame').style.setProperty('--ratio', ratio)
}
const percent = p => p == null ? '–' : (p > .9 ? Math.min(100 * p, 99.9).toFixed(1) : Math.round(100 * p)) + '\u00a0%'
const level = p => p >= SURE ? 'sure' : p >= DOUBTFUL ? 'unsure' : 'doubtful'
const chars = () => now?.characters ?? []
const doubts = () => chars().map((o, i) => ({...o, i})).sort((a, b) => a.probability - b.probability)
function element(tag, className, ...content) {
  const o = document.createElement(tag)
  o.className = className
  o.append(...content)
  return o
}
const kbd = o => element('kbd', '', o)

// Characters over the image; as long as the text has as many as the reading, they show what was typed
function marks() {
  const typed = [...text.value], cs = chars(), same = typed.length == cs.length
  $('marks').replaceChildren(...(same ? cs : []).map((c, i) => {
    const changed = typed[i] != c.char
    const o = element('button', changed ? 'mine' : level(c.probability), element('b', '', typed[i]),
                      element('small', '', changed ? 'typed' : percent(c.probability)))
    const [left, right] = c.left == null ? [i / cs.length, (i + 1) / cs.length] : [c.left, c.right]
    Object.assign(o, {type: 'button', tabIndex: -1, onclick: () => selectChar(i)})
    o.classList.toggle('placed', c.left != null)
    o.classList.toggle('chosen', doubt >= 0 && doubts()[doubt].i == i)
    o.style.left = 100 * left + '%'
    o.style.width = 100 * (right - left) + '%'
    return o
  }))
  const p = now && text.value == now.text ? now.probability : null
  $('hint').textContent = p == null ? '' : now.why == 'suspect' ? `the label, ${percent(p)} probable`
    : now.text ? `read with ${percent(p)} certainty` : 'not read yet: type what you see'
}
function selectChar(i) {
  const typed = [...text.value], start = typed.slice(0, i).join('').length
  doubt = doubts().findIndex(o => o.i == i)
  text.focus({preventScroll: true})
  text.setSelectionRange(start, start + typed[i].length)
  marks()
  $('live').textContent = `${typed[i]}, ${percent(chars()[i].probability)}`
}
function jump(step) {
  const n = chars().length
  if (!n || [...text.value].length != n) return false // the arrows move the caret, as usual
  doubt = doubt < 0 && step < 0 ? n - 1 : (doubt + step + n) % n
  selectChar(doubts()[doubt].i)
  return true
}

// ---- decisions --------------------------------------------------------------------------------------------------------------
function decide(decision, pressed) {
  if (!now) return
  const label = decision == 'label' ? text.value.trim() : ''
  if (decision == 'label' && !label) return say('The field is empty. F8 says that there is no text here.')
  const wrong = state.chars ? [...new Set(label)].filter(o => !state.chars.includes(o)) : []
  if (wrong.length) return say(`${wrong.map(o => `“${o}”`).join(', ')} is not one of the characters ${state.chars}`)
  Object.assign(now, {typed: decision == 'label' ? label : now.typed, decided: decision})
  past.push(now)
  past = past.slice(-50)
  const body = {file: now.file, label, decision, keys: Math.min(keysHere, 999)}
  advance(pressed)
  push({name: 'decide', body})
}
function skip(pressed) {
  if (!now) return
  past.push(Object.assign(now, {decided: 'skip'}))
  const file = now.file
  advance(pressed)
  push({name: 'skip', body: {file}})
}
function undo() {
  const item = past.pop()
  if (!item) return queue.length || push({name: 'undo', body: {}}) // the server knows what was decided before this page was opened
  const last = queue.at(-1)
  if (last?.body.file == item.file && queue.length > (sending ? 1 : 0)) { queue.pop(); save() } // it was not sent yet
  else if (item.decided != 'skip') push({name: 'undo', body: {file: item.file}})
  showAgain(item)
}
function swap() {
  if (!isSuspect(now)) return false
  text.value = text.value == now.other ? now.text : now.other
  text.select()
  marks()
  return true
}

// ---- what is shown around the image -----------------------------------------------------------------------------------------
function showNext() {
  const item = o => {
    const li = element('li', o.text ? level(o.probability ?? 0) : 'unread', o.img, element('span', '', o.text || '?'))
    shine(li.lastChild, o)
    return li
  }
  $('next').replaceChildren(...ahead.slice(0, 6).map(item))
  $('next-title').hidden = !ahead.length
}
function showNone() {
  $('none').textContent = !state.n_files ? 'Opening …'
    : state.n_left > 0 ? 'The images that are left are with other labellers, or were skipped.'
    : state.suspects ? state.advice : 'No image is left to label.'
}
function say(message) {
  const o = element('p', '', element('span', '', message)), close = element('button', '', '×')
  Object.assign(close, {type: 'button', onclick: () => { o.remove(); refocus() }})
  close.setAttribute('aria-label', 'Close this message')
  o.append(close)
  $('messages').append(o)
  while ($('messages').children.length > 2) $('messages').firstChild.remove()
  setTimeout(() => o.remove(), 15000)
}
function takeState(s) {
  const read = state.training == 'reading' && s.training != 'reading'
  const renewed = state.run != null && (s.run != state.run || s.round != state.round || read)
  if (s.reached && state.reached === false) say(s.advice)
  state = s
  if (told.run != s.run) told = {run: s.run, n: 0}
  for (const o of s.messages) if (o.n > told.n) { told.n = o.n; say(o.text) }
  sessionStorage.told = JSON.stringify(told)
  const n = s.n_test, shown = n >= 5 // one image would make it 0 or 100 %
  $('accuracy').textContent = shown ? +(100 * s.accuracy).toFixed(n < 100 ? 0 : 1) + '\u00a0%' : '–'
  const [low, high] = [s.low, s.high].map(o => Math.round(100 * o))
  $('interval').textContent = !shown ? `measured on 5 random images at least; ${n} so far`
    : `95\u00a0% interval ${low}–${high}\u00a0%, ${s.n_test_right} of ${n} random images`
  $('range').hidden = !shown
  $('range').style.left = 100 * s.low + '%'
  $('range').style.right = 100 - 100 * s.high + '%'
  $('goal').style.left = 100 * s.goal + '%'
  const goal = +(100 * s.goal).toFixed(1) + '\u00a0%'
  $('goal-text').textContent = s.reached ? `The goal is reached: at least ${goal}` : `Goal: the lower end reaches ${goal}`
  $('progress').value = s.n_files ? 1 - s.n_left / s.n_files : 0
  $('n-labelled').textContent = s.n_labelled
  $('n-left').textContent = s.n_left
  $('n-keys').textContent = s.keys
  const busy = {reading: 'Reading with the pretrained start …', running: 'Learning from the labels …',
                finishing: 'Training on all labels …'}[s.training]
  $('training').textContent = busy ?? (s.training.startsWith('failed') ? `Training ${s.training}. Labelling goes on.`
    : s.round ? `Trained ${s.round == 1 ? 'once' : s.round + ' times'}` : 'Not trained yet')
  $('training').classList.toggle('busy', !!busy)
  $('advice').textContent = s.advice ?? ''
  $('open-grid').disabled = !s.n_sure
  $('open-grid').replaceChildren(`${s.n_sure || 'No'} sure readings `, kbd('PgDn'))
  $('grid-none').hidden = s.n_sure || !s.only_random
  $('finish').disabled = s.training == 'finishing' || !s.n_labelled
  $('finish').classList.toggle('main', !!s.reached || s.n_left == 0)
  $('finished').textContent = s.finished
  $('finished').hidden = !s.finished
  document.body.classList.toggle('reached', !!s.reached)
  document.body.classList.toggle('suspects', !!s.suspects)
  document.title = `${s.n_left} left · ${$('title').textContent}`
  if (!now) showNone()
  if (renewed) fill(true)
}
async function hello() {
  try {
    const o = await ask('hello')
    Object.assign(me, {folder: o.folder, who: o.who})
    $('title').textContent = o.title
    $('who').value = o.who
    takeState(o.state)
    adopt(true)
    fill()
  } catch (e) { setAway(why(e)); setTimeout(hello, 1500) }
}
const held = () => [now, ...ahead].filter(o => o).map(o => o.file) // which stay with this page as long as it is open
async function tick() {
  try { if (me.folder) { takeState((await ask('state', {exclude: held()})).state); adopt(); fill() } } catch (e) { setAway(why(e)) }
  setTimeout(tick, document.hidden ? 10000 : 2000)
}

// ---- keys and buttons -------------------------------------------------------------------------------------------------------
const keys = {F2: undo, F4: skip, F8: o => decide('empty', o), F9: o => decide('unreadable', o), PageDown: () => openGrid()}
addEventListener('keydown', e => {
  const pressed = performance.now(), inGrid = !$('grid').hidden
  if (e.isComposing || e.altKey || e.metaKey && e.key != 'z') return
  if (!['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) keysHere++
  let done = true
  const target = e.target == document.body && now && !inGrid ? (text.focus(), text) : e.target // after a click beside the field
  if (inGrid) done = gridKey(e.key, e.repeat)
  else if (e.key in keys) keys[e.key](pressed)
  else if (e.key == 'z' && (e.ctrlKey || e.metaKey) && now && text.value == now.text) undo()
  else if (target != text || e.ctrlKey || e.shiftKey) done = false
  else if (e.key == 'Enter') { if (!e.repeat) decide('label', pressed) }
  else if (e.key == 'ArrowRight' || e.key == 'ArrowLeft') done = jump(e.key == 'ArrowRight' ? 1 : -1)
  else if (e.key == 'ArrowUp') done = swap()
  else done = false
  if (done) e.preventDefault()
})
addEventListener('click', e => { if (e.detail) keysHere++ }, true) // a click by the keyboard has no detail
text.oninput = marks
$('form').onsubmit = e => { e.preventDefault(); decide('label', performance.now()) }
const buttons = {undo, skip, other: swap, empty: keys.F8, unreadable: keys.F9,
                 'open-grid': () => openGrid(), 'grid-close': () => closeGrid(keysHere), 'grid-accept': acceptGrid}
for (const [id, run] of Object.entries(buttons)) $(id).onclick = () => run(performance.now())
$('finish').onclick = () => { push({name: 'finish', body: {}}); refocus() }
$('who').onchange = async () => {
  me.who = $('who').value.trim()
  const o = await ask('hello').catch(() => me)
  localStorage.captcha_label_who = $('who').value = me.who = o.who
}
addEventListener('pagehide', () => navigator.sendBeacon('api/bye', new Blob([JSON.stringify(me)], {type: 'application/json'})))
hello()
tick()
